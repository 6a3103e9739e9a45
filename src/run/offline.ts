/**
 * `--sql`: the plan as a script for `psql -f`, ledger rows included, without a database. What has been applied
 * is what the caller says: everything up to `from`.
 *
 * The statements of a module are written down by calling it. A module that looks at an answer cannot be rendered, and is
 * refused by name.
 */

import { EMPTY_HISTORY, type History } from "../core/history.ts";
import { type Plan, plan } from "../core/plan.ts";
import { literal } from "../core/sql/quote.ts";
import { type Problem, SourceError } from "../errors.ts";
import { lockKey } from "../lock/session.ts";
import { keeperWithoutLooking } from "./adoption.ts";
import { baselineRange } from "./baseline.ts";
import { type Keeper, keptIn, NOTHING_KEPT } from "./keep.ts";
import { type MigrateOptions, planInput } from "./migrate.ts";
import { refuseUnbegun } from "./module.ts";
import { type Body, type Prepared, prepareSteps, statementsOf } from "./prepare.ts";
import { applyFrame, closing, type FrameParts, revertFrame } from "./script.ts";
import type { RunContext, Target } from "./target.ts";
import { entryOf } from "./work.ts";

export interface OfflineOptions extends MigrateOptions {
  /** The revision that the database is at; `base`: it is empty. */
  readonly from: string;
}

export async function renderScript(
  target: Target,
  options: OfflineOptions,
  context: RunContext,
): Promise<string> {
  const files = await target.source.list();
  const history = assumedHistory(target, options.from, files.migrations);
  const decided = plan(planInput(target, options, files, history));
  const migrations = new Map(files.migrations.map((migration) => [migration.id, migration]));
  const steps = await prepareSteps({ steps: decided.steps, migrations, source: target.source, history });
  const problems = steps.flatMap((step) => step.problem ?? []);
  if (problems[0] !== undefined) throw new SourceError([problems[0], ...problems.slice(1)]);
  const parts: FrameParts = {
    ledger: target.ledger.sql,
    author: context,
    reset: searchPath(target),
    fence: "",
    ownRole: "",
    leave: "",
    kept: NOTHING_KEPT,
  };
  const rendered: string[] = [];
  const keeper = keeperWithoutLooking(target, files);
  for (const prepared of steps) rendered.push(await renderStep(parts, prepared, { keeper, target, context }));
  return [
    header(target, decided, { ...options, create: keeper?.create ?? null }),
    ...rendered,
    footer(target),
  ].join("\n\n");
}

function assumedHistory(
  target: Target,
  from: string,
  migrations: Parameters<typeof baselineRange>[0],
): History {
  if (from === "base") return EMPTY_HISTORY;
  const present = baselineRange(migrations, target.settings.order, from);
  return {
    project: null,
    entries: present.map((migration, index) => ({
      revision: migration.id,
      sequence: index + 1,
      kind: migration.kind,
      state: "applied",
      baseline: false,
      phase: migration.phase,
      number: migration.number,
      parents: [...(migration.revises ?? []), ...migration.depends],
      file: migration.file,
      checksum: migration.checksum,
      fingerprint: migration.fingerprint,
      revertScript: null,
      minimumRevision: migration.settings.minimumRevision ?? null,
    })),
  };
}

function header(
  target: Target,
  decided: Plan,
  options: OfflineOptions & { readonly create: string | null },
): string {
  const { schema, sql } = target.ledger;
  return `-- godwit ${options.goal.direction} --sql: from ${options.from} to ${options.goal.to}, ${decided.steps.length} migrations
-- Run it with: psql --no-psqlrc --set ON_ERROR_STOP=1 --file <this file> <database>
\\set ON_ERROR_STOP on
do $godwit$ begin
  if not pg_try_advisory_lock(${lockKey(schema)}) then
    raise exception 'another run holds the migration lock of this database';
  end if;
end $godwit$;
${options.goal.direction === "up" ? `begin;\n${sql.create(target.settings.project)}\n${options.create === null ? "" : `${options.create};\n`}commit;` : ""}
set lock_timeout = ${literal(`${target.settings.lockTimeoutMs}ms`)};
set row_security = off;
${searchPath(target)}`;
}

/** Before every step, as in a run: the one before may have set another. */
function searchPath({ settings }: Target): string {
  if (settings.searchPath === null) return "";
  return `do $godwit$ begin perform set_config('search_path', ${literal(settings.searchPath)}, false); end $godwit$;`;
}

function footer(target: Target): string {
  return `select pg_advisory_unlock(${lockKey(target.ledger.schema)});`;
}

async function renderStep(
  frames: FrameParts,
  prepared: Prepared,
  { keeper, ...run }: { keeper: Keeper | null; target: Target; context: RunContext },
): Promise<string> {
  const { step, migration } = prepared;
  const title = `-- ${step.direction} ${step.revision} (${step.file})`;
  const body = await prepared.load();
  if (body.kind === "module" && prepared.form === "module-outside")
    throw notRenderable(prepared, "it runs outside a transaction");
  const text = body.kind === "module" ? await record(prepared, body, run) : body.text;
  const written = body.kind === "sql" ? (body.written ?? body.text) : null;
  const ledger = frames.ledger.historyTable;
  const parts = { ...frames, kept: keptIn(keeper, { step, migration, text: written, ledger, live: false }) };
  const entry = entryOf(prepared, body.kind === "sql" ? body.revert : null);
  if (prepared.form === "statements" && body.kind === "sql") {
    const open = step.direction === "up" ? `${parts.ledger.insert(entry, parts.author, "partial")};` : "";
    const statements = statementsOf(body).map((statement) => `${statement.text};`);
    return [title, open, ...statements, `${closing(parts, step.direction, entry)};`].join("\n");
  }
  const frame = step.direction === "up" ? applyFrame(parts, entry) : revertFrame(parts, step.revision);
  return [
    title,
    `${frame.open.trimEnd().replace(/;?$/, ";")}`,
    text.trimEnd().replace(/;?$/, "\n;"),
    `${frame.close};`,
  ].join("\n");
}

/** In its own process, where nothing that it does reaches us (`user-code/record.ts`). */
async function record(
  prepared: Prepared,
  body: Body & { kind: "module" },
  { target, context }: { target: Target; context: RunContext },
): Promise<string> {
  const limit = new AbortController();
  const { idleTimeoutMs } = target.settings;
  const late = () =>
    limit.abort(notRenderable(prepared, `it has not settled within ${idleTimeoutMs / 1000} s`));
  const timer = idleTimeoutMs > 0 ? setTimeout(late, idleTimeoutMs) : undefined;
  try {
    const { statements, refused, unbegun } = await body.record({
      begun: () => {},
      log: (level, message) => context.observe({ kind: "log", step: prepared.step, level, message }),
      signal: context.signal,
      abandoned: limit.signal,
    });
    if (refused !== null) throw notRenderable(prepared, refused);
    refuseUnbegun(prepared, unbegun);
    return statements.join("\n");
  } finally {
    clearTimeout(timer);
  }
}

function notRenderable(prepared: Prepared, why: string): SourceError {
  const problem: Problem = {
    code: "SOURCE_NOT_RENDERABLE",
    message: `${prepared.step.file} cannot be written as SQL: ${why}.`,
    hint: "Run it with godwit up, or write what comes before and behind it: `godwit up --sql <revision>`, `godwit up --sql --from <revision>`.",
    place: { file: prepared.step.file },
  };
  return new SourceError([problem]);
}
