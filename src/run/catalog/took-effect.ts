/** Asks the catalog whether a statement took effect that was begun and whose end nobody has recorded. */
import type { StatementKind } from "../../core/sql/classify.ts";
import { literal } from "../../core/sql/quote.ts";
import type { Connection } from "../../database/connection.ts";
import { askCatalog, resolveName } from "./ask.ts";
import { type CreateIndex, hasDefinitionOf, indexesOn } from "./indexes.ts";
import {
  catalogOf,
  identify,
  type JudgedStatement,
  type Outside,
  oidOutside,
  partitionState,
  resolve,
  type Snapshot,
  stillThere,
} from "./snapshot.ts";

/** `done`: it took effect. `again`: it had no effect, or repeating it does no harm. `unknown`: a person must look. */
export type Verdict = "done" | "again" | "unknown";

/** Whether `judge` finds out by itself what became of such a statement, as a rule. */
export function isJudged(kind: StatementKind): boolean {
  return kind.kind === "outside" ? REPEATABLE.has(kind.verb) : JUDGED.has(kind.kind);
}

const JUDGED: ReadonlySet<StatementKind["kind"]> = new Set([
  "create-index-concurrently",
  "drop-index-concurrently",
  "detach-partition-concurrently",
  "detach-partition-finalize",
  "reindex-concurrently",
  "add-enum-value",
  "repeatable-outside",
]);

/** `before` is the snapshot that the statement's intent holds. */
export async function judge(
  connection: Connection,
  { kind, text }: JudgedStatement,
  before: Snapshot | null,
): Promise<Verdict> {
  switch (kind.kind) {
    case "create-index-concurrently":
      return judgeCreateIndex(connection, { kind, text }, before);
    case "drop-index-concurrently": {
      const left = await stillThere(connection, kind, before);
      return left.length > 0 || (nothingFound(before) && !kind.ifExists) ? "again" : "done";
    }
    case "detach-partition-concurrently":
    case "detach-partition-finalize":
      return (await partitionState(connection, kind, before)) === "detached" ? "done" : "again";
    case "reindex-concurrently": {
      const [was] = before?.objects ?? [];
      const now = kind.name === null || was == null ? null : await resolve(connection, kind.name);
      return now !== null && now.name !== was?.name ? "unknown" : "again";
    }
    case "add-enum-value":
      return (await hasEnumValue(connection, kind)) ? "done" : "again";
    case "repeatable-outside":
      return "again";
    case "outside":
      return judgeOutside(connection, kind, before);
    default:
      return "unknown";
  }
}

async function judgeCreateIndex(
  connection: Connection,
  { kind, text }: { kind: CreateIndex; text: string },
  before: Snapshot | null,
): Promise<Verdict> {
  const now = await resolve(connection, kind.table);
  const [meant] = before?.objects ?? [];
  const table = meant == null ? now : await identify(connection, meant.oid);
  // The table was dropped, and its indexes with it. The statement is about the table that has the name now.
  if (table === null) return "again";
  const known = new Set(before?.indexes ?? []);
  const made = (await indexesOn(connection, kind, table.oid)).filter(
    (index) => index.valid && !known.has(index.oid),
  );
  for (const { oid } of made)
    if (await hasDefinitionOf(connection, { oid, table: table.name }, text)) return "done";
  // Somebody else has made an index of that name, or the table's name means another table now.
  if (made.length > 0 && kind.index !== null) return "unknown";
  return now?.oid === table.oid ? "again" : "unknown";
}

/** Whether none of the statement's names meant an object when it began. */
function nothingFound(before: Snapshot | null): boolean {
  return before?.objects?.every((object) => object === null) ?? false;
}

async function hasEnumValue(
  connection: Connection,
  kind: StatementKind & { kind: "add-enum-value" },
): Promise<boolean> {
  const type = await resolveName(connection, kind.type, "regtype");
  const rows = await askCatalog(
    connection,
    `select 1 as found from pg_enum where enumtypid = ${type ?? 0}::oid and enumlabel = ${literal(kind.value)}`,
  );
  return rows.length > 0;
}

async function judgeOutside(
  connection: Connection,
  kind: Outside,
  before: Snapshot | null,
): Promise<Verdict> {
  if (REPEATABLE.has(kind.verb)) return "again";
  const creates = kind.verb.startsWith("CREATE ");
  if (catalogOf(kind) === null || !(creates || kind.verb.startsWith("DROP "))) return "unknown";
  const oid = await oidOutside(connection, kind);
  const was = before?.existing;
  if (creates) return oid === null || oid === was ? "again" : "done";
  return oid === null || (typeof was === "number" && oid !== was) ? "done" : "again";
}

/** These ask for a state, and do nothing once it is reached. */
const REPEATABLE: ReadonlySet<string> = new Set([
  "ALTER DATABASE SET TABLESPACE",
  "ALTER SUBSCRIPTION REFRESH",
  "ALTER SUBSCRIPTION SET PUBLICATION",
  "ALTER SUBSCRIPTION SET",
]);
