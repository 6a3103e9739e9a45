/**
 * Refuses to create a table that the user named for a tool's history, if the name may be wrong. Creating it is right
 * only when these files were never applied. Rows about these files in another table of the tool mean one of two
 * things: the name is wrong, or that table belongs to another project. A person decides. A table that another ledger
 * claims is known to be another project's.
 */
import type { Migration } from "../../core/migration.ts";
import { identifier } from "../../core/sql/quote.ts";
import type { Connection } from "../../database/connection.ts";
import { PlanRefused } from "../../errors.ts";
import { matchRows } from "../../tools/match.ts";
import { describeTable, nameOf, type Relation, type Tool } from "../../tools/tool.ts";
import { TOOLS } from "../../tools/tools.ts";
import type { Target } from "../session/target.ts";
import { allHistories } from "./histories.ts";
import { claimOn } from "./other-ledgers.ts";
import { readableOnly, type Whose } from "./whose.ts";

export interface NamedTable {
  readonly tool: Tool;
  /** `schema.table` */
  readonly place: string;
  readonly schema: string | null;
  readonly whose: Whose;
  readonly pending: readonly Migration[];
}

/** Throws `PlanRefused` (`ADOPT_AMBIGUOUS`). The caller knows that the named table does not exist. */
export async function refuseElsewhere(
  target: Target,
  connection: Connection,
  { tool, place, schema, whose, pending }: NamedTable,
): Promise<void> {
  if (pending.length === 0) return;
  const others = await allHistories(connection, {
    schema,
    // A table that the role cannot read says nothing about these files.
    whose: readableOnly({ ...whose, fresh: false }),
    except: TOOLS.filter((one) => one !== tool),
  });
  for (const other of others) {
    const { applied } = matchRows(tool, other.history, pending);
    if (applied.length === 0 || (await claimOn(target, connection, other)) !== null) continue;
    throw notThere({ tool, place }, { other: other.table, ids: applied.map(({ id }) => id) });
  }
}

function notThere(
  { tool, place }: Pick<NamedTable, "tool" | "place">,
  { other, ids }: { readonly other: Relation; readonly ids: readonly string[] },
): PlanRefused {
  const [name = "", schema = null] = place.split(".").reverse();
  const there = describeTable(other);
  const first = schema === null ? "" : `create schema if not exists ${identifier(schema)}; `;
  const made = schema === null ? identifier(name) : nameOf({ schema, name });
  const own = `${first}create table ${made} (like ${nameOf(other)} including all)`;
  return new PlanRefused([
    {
      code: "ADOPT_AMBIGUOUS",
      message: `${place}, which is named for the history of ${tool.title}, is not there, and ${there} says that ${namesOf(ids)} ${ids.length === 1 ? "is" : "are"} applied.`,
      hint: `If that is the history of these files: --mirror ${tool.name}:${there}. If it is another project's: --mirror none:${there}, or make your own first: \`${own}\`. Nothing was changed.`,
      details: {
        tool: tool.name,
        table: place,
        histories: [{ tool: tool.name, table: there }],
        revisions: ids,
      },
    },
  ]);
}

function namesOf(ids: readonly string[]): string {
  return `${ids.slice(0, 3).join(", ")}${ids.length > 3 ? ", …" : ""}`;
}
