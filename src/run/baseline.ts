/** Declares migrations as present without running them: for a database that was made some other way. */
import { graphOf } from "../core/graph.ts";
import { ordered } from "../core/heads.ts";
import type { Migration } from "../core/migration.ts";
import { resolveRevision } from "../core/revision.ts";
import { wayBackOf } from "../core/way-back.ts";
import { ConfigError, PlanRefused, type Problem, SourceError } from "../errors.ts";
import type { Author } from "../ledger/rows.ts";
import type { LedgerSql } from "../ledger/sql.ts";
import { describeTable } from "../tools/tool.ts";
import { judge } from "./adopt/adoption.ts";
import { hasOtherFiles, lostIn, replacedRows, twinIn } from "./adopt/answers.ts";
import { entryFor } from "./adopt/declared-row.ts";
import { declaredGuard, notDeclared } from "./mirror/declared-guard.ts";
import { acceptedRow, mirroredRow, rememberedRow } from "./mirror/mirror.ts";
import { keepToolOut, refuseLockedRow } from "./mirror/tool-lock.ts";
import { lookAt } from "./mirror/tool-look.ts";
import { firstLook, forgetRow, seenRow, settleRow } from "./mirror/tool-memory.ts";
import { withWarnings } from "./session/local-commits.ts";
import { withLock } from "./session/locked.ts";
import { refuseForeign, replacedBy, squashedInto } from "./session/owner.ts";
import type { RunContext, Target } from "./session/target.ts";
import { writeUnderLock } from "./session/transaction.ts";

export interface BaselineReport {
  readonly target: string;
  readonly declared: readonly string[];
  /** Were in the ledger already. */
  readonly already: readonly string[];
  /** Taken out of the ledger: these files have replaced all of the old ones. */
  readonly replaced: readonly string[];
  /** The history of another tool that was written as well, with its table; `null`: none. */
  readonly told: string | null;
  readonly warnings: readonly Problem[];
}

export interface BaselineOptions {
  /** The name of the database in which these files have replaced all of the old ones. */
  readonly confirm?: string | undefined;
}

/** Declares `revision` and all that comes before it. Throws `PlanRefused` where a file of them is broken. */
export async function baseline(
  target: Target,
  revision: string,
  given: RunContext,
  { confirm }: BaselineOptions = {},
): Promise<BaselineReport> {
  const { context, warnings } = withWarnings(given);
  const files = await target.source.list();
  const wanted = baselineRange(files.migrations, target.settings.order, revision);
  // A marker that does not count matters only to a file that is going to run.
  const [broken] = wanted.filter(({ problem }) => problem !== undefined && problem.code !== "SOURCE_MARKER");
  if (broken?.problem !== undefined) throw new SourceError([broken.problem]);
  const report = await withLock(target, context, async (connection, lock) => {
    const { database } = connection.server;
    if (confirm !== undefined && confirm !== database)
      throw new ConfigError({
        code: "CONFIG_INVALID",
        message: `This is database "${database}", not "${confirm}".`,
        hint: "Check the URL. Nothing was changed.",
      });
    const history = await target.ledger.read(connection);
    if (confirm === undefined) refuseForeign(target, files, history);
    const all =
      confirm === undefined ? [] : replacedBy(target, files, history).map((entry) => entry.revision);
    const squashed =
      confirm === undefined || all.length > 0
        ? []
        : squashedInto(target, wanted.at(-1)?.id, { files, history });
    const replaced = [...all, ...squashed];
    if (!history.created) await target.ledger.create(connection, target.settings.project);
    const present = new Map(history.entries.map((entry) => [entry.revision, entry]));
    const partial = wanted.find(
      (migration) => ![undefined, "applied"].includes(present.get(migration.id)?.state),
    );
    if (partial !== undefined) {
      const graph = graphOf(files.migrations, { order: target.settings.order });
      const isReverting = present.get(partial.id)?.state === "reverting";
      throw unfinished(partial.id, isReverting ? wayBackOf(partial.id, { graph, history }) : null);
    }
    // A file that holds what others held is known, and its text is another one now.
    const rewritten = wanted.filter(({ id, checksum, kind }) => {
      const entry = present.get(id);
      return squashed.length > 0 && entry !== undefined && kind === "sql" && entry.checksum !== checksum;
    });
    const missing = wanted.filter((migration) => !present.has(migration.id));
    const look = await lookAt(target, connection, { files, history }, (advisory) =>
      keepToolOut(target, connection, advisory, context),
    );
    if (look?.found !== undefined) await refuseLockedRow(connection, look.found);
    const settled = new Set(wanted.map(({ id }) => id));
    const isReplacing = confirm !== undefined && (replaced.length > 0 || hasOtherFiles(look));
    const { mirror } = await judge(target, look, { files, history, settled, replacing: isReplacing });
    const sql = target.ledger.sql;
    const rows: string[] = look === null ? [] : [firstLook(target, look)];
    let told: string | null = null;
    const written: string[] = [];
    const tell = async (revision: string) => {
      const kept = await mirroredRow(target, connection, { mirror, files, revision, direction: "up" });
      if (mirror === null || kept === "") return;
      written.push(revision);
      rows.push(kept.replace(/;$/, ""), rememberedRow(target, { mirror, revision }).replace(/;$/, ""));
      told = `${mirror.tool.title} (${describeTable(mirror.table)})`;
    };
    // What is there, says a person: the tool is told again, or its row is not missed any more.
    const lost = look === null ? new Set() : lostIn(look);
    for (const { id } of wanted.filter((one) => present.has(one.id) && lost.has(one.id))) {
      if (mirror !== null) await tell(id);
      else if (look !== null) rows.push(forgetRow(target, look, id));
    }
    const twins = look === null ? [] : wanted.flatMap(({ id }) => twinIn(look, id) ?? []);
    for (const row of twins) if (look !== null) rows.push(settleRow(target, look, row));
    for (const row of look === null || !isReplacing ? [] : replacedRows(look)) {
      if (look !== null) rows.push(settleRow(target, look, row));
      const needs = mirror?.writer.needsFiles;
      if (needs === undefined || (needs === "squashed" && squashed.length === 0)) continue;
      const gone = { mirror, files, revision: row.name, direction: "down" } as const;
      rows.push((await mirroredRow(target, connection, gone)).replace(/;$/, ""));
    }
    for (const { id } of wanted) if (look !== null) rows.push(seenRow(target, look, id));
    for (const migration of missing) {
      rows.push(sql.baseline(await entryFor(target, migration), context));
      rows.push(
        sql.log(context, {
          event: "baseline",
          revision: migration.id,
          direction: null,
          durationMs: null,
          details: null,
        }),
      );
      await tell(migration.id);
    }
    for (const migration of rewritten) {
      const { checksum, fingerprint, revertScript } = await entryFor(target, migration);
      rows.push(sql.accept(migration.id, checksum, fingerprint, revertScript));
      const logged = { event: "accepted", revision: migration.id, direction: null } as const;
      rows.push(sql.log(context, { ...logged, durationMs: null, details: null }));
      const row = { mirror, files, revision: migration.id, direction: "up" } as const;
      rows.push((await acceptedRow(target, connection, row)).replace(/;$/, ""));
    }
    for (const old of replaced) rows.push(...forgotten(sql, context, old));
    const statements = rows.filter((row) => row !== "");
    const guard = mirror === null ? "" : await declaredGuard(target, mirror, { files, revisions: written });
    if (statements.length > 0)
      await writeUnderLock(connection, lock, `${guard} ${statements.join("; ")};`).catch((error: unknown) => {
        throw notDeclared(error, mirror);
      });
    return {
      target: target.name,
      declared: [...rewritten, ...missing].map((migration) => migration.id),
      replaced,
      already: wanted
        .filter((migration) => present.has(migration.id) && !rewritten.includes(migration))
        .map((migration) => migration.id),
      told,
    };
  });
  return { ...report, warnings: warnings() };
}

/** The other tool is not told: what its rows say is true. */
function forgotten(sql: LedgerSql, author: Author, revision: string): readonly string[] {
  return [
    sql.forgetStatements(revision, "up"),
    sql.forgetStatements(revision, "down"),
    sql.remove(revision),
    sql.log(author, {
      ...{ event: "forgotten", revision, direction: null, durationMs: null },
      details: { replaced: true },
    }),
  ];
}

/** The revision itself and everything before it: its ancestors in a graph, the files in front of it in a line. */
export function baselineRange(
  migrations: readonly Migration[],
  order: readonly string[],
  expression: string,
): readonly Migration[] {
  const all = ordered(migrations, order).filter((migration) => migration.kind !== "repeatable");
  if (expression === "head" || expression === "heads") return all;
  const id = resolveRevision(
    expression,
    all.map((migration) => migration.id),
  );
  if (!all.some((migration) => migration.revises !== null))
    return all.slice(0, all.findIndex((migration) => migration.id === id) + 1);
  const byId = new Map(all.map((migration) => [migration.id, migration]));
  const wanted = new Set<string>();
  const visit = (one: string) => {
    if (wanted.has(one)) return;
    wanted.add(one);
    const migration = byId.get(one);
    for (const parent of [...(migration?.revises ?? []), ...(migration?.depends ?? [])]) visit(parent);
  };
  visit(id);
  return all.filter((migration) => wanted.has(migration.id));
}

/** `wayBack`: the command that finishes what has been taken back in part. */
function unfinished(revision: string, wayBack: string | null): PlanRefused {
  return new PlanRefused([
    {
      code: "BASELINE_CONFLICT",
      message:
        wayBack !== null
          ? `${revision} has been taken back in part only.`
          : `${revision} was begun by a run and is not complete.`,
      hint:
        wayBack !== null
          ? `Complete that with ${wayBack}, or say that it is complete: \`godwit repair --forget ${revision}\`; then declare it.`
          : `Complete it with \`godwit up\`, or say that it is: \`godwit repair --mark-done ${revision}\`.`,
    },
  ]);
}
