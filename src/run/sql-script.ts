/**
 * `--sql`: the plan as a script for `psql -f`, ledger rows included, without a database. What has been applied
 * is what the caller says: everything up to `from`.
 *
 * Run by psql it does what `up` does: the same frames around the same texts, and the session reset before each step.
 */

import { type GatePair, gatePairs } from "../core/gates.ts";
import { EMPTY_HISTORY, type History } from "../core/history.ts";
import type { Direction, Migration } from "../core/migration.ts";
import { type Plan, plan } from "../core/plan.ts";
import { SourceError } from "../errors.ts";
import {
  refuseAbsent,
  refuseDeclared,
  refuseOtherFiles,
  refusePresent,
  refuseUnfinished,
} from "../ledger/script-sql.ts";
import { lockKey } from "../lock/session.ts";
import { countOf } from "../std/number.ts";
import { baselineRange } from "./baseline.ts";
import type { Check } from "./checks/check.ts";
import { mirrorWithoutLooking } from "./mirror/tool-look.ts";
import { type MigrateOptions, planInput } from "./plan.ts";
import { scriptChecks, unrunChecks } from "./script/checks.ts";
import {
  anyToolDownGuard,
  anyToolGuard,
  belowGuard,
  downGuard,
  namedTableGuard,
  offlineGuard,
} from "./script/guard.ts";
import { headsGuard } from "./script/heads.ts";
import { comment, PSQL_SETTINGS, resetForPsql } from "./script/psql.ts";
import { rememberedGuard } from "./script/remembered.ts";
import { type LintRules, risksOf } from "./script/risks.ts";
import { guarded, guardedDown, renderStep } from "./script/step.ts";
import type { RunContext, Target } from "./session/target.ts";
import { begin } from "./session/transaction.ts";
import { prepareSteps } from "./step/prepare.ts";

export interface OfflineOptions extends MigrateOptions {
  /** The revision that the database is at; `base`: it is empty. */
  readonly from: string;
  /** Names of imports that `up` would run as well. */
  readonly notImported?: readonly string[];
  /** How the files are linted. What is found stands above each step. Left out: they are not. */
  readonly lint?: LintRules | undefined;
}

export async function renderScript(
  target: Target,
  options: OfflineOptions,
  context: RunContext,
): Promise<string> {
  const files = await target.source.list();
  const history = assumedHistory(target, options.from, files.migrations);
  const input = planInput(target, options, files, history);
  const decided = plan(input);
  const migrations = new Map(files.migrations.map((migration) => [migration.id, migration]));
  const steps = await prepareSteps({
    steps: decided.steps,
    migrations,
    source: target.source,
    history,
    signal: context.signal,
  });
  const problems = steps.flatMap((step) => step.problem ?? []);
  if (problems[0] !== undefined) throw new SourceError([problems[0], ...problems.slice(1)]);
  const rendered: string[] = [];
  const mirror = mirrorWithoutLooking(target, files);
  const guard = offlineGuard(target, mirror);
  const back = downGuard(target, mirror);
  const how = { context, mirror, guard, downGuard: back };
  const risks = await risksOf(target, { files, steps, rules: options.lint ?? null, signal: context.signal });
  for (const prepared of steps)
    rendered.push([...risks(prepared), await renderStep(target, prepared, how)].join("\n"));
  // As in a run, those before it count only where there is something to do.
  const checks = steps.length === 0 ? (options.checks ?? []).filter(isAfter) : (options.checks ?? []);
  const pending = steps.flatMap((step) =>
    guarded(target, step, null) === null ? [] : (step.migration ?? []),
  );
  const asked = steps.flatMap((step) => guarded(target, step, null) ?? []);
  const beside = anyToolGuard(target, { migrations: pending, files: files.migrations });
  const known = new Set(history.entries.map(({ revision }) => revision));
  const present = files.migrations.filter(({ id }) => known.has(id));
  const named = [namedTableGuard(target, mirror, asked), rememberedGuard(target, { mirror, present })]
    .filter((sql) => sql !== "")
    .join("\n");
  const reverted = steps.flatMap((step) => guardedDown(target, step) ?? []);
  const revertedFiles = steps.flatMap((step) =>
    guardedDown(target, step) === null ? [] : (step.migration ?? []),
  );
  return [
    header(target, decided, {
      ...{ ...options, create: mirror?.create ?? null, named, history },
      waits: gatePairs(input, decided.steps),
      files: files.migrations.filter(({ kind }) => kind !== "repeatable"),
    }),
    // All of them before anything is done, and each again in its transaction.
    ...[
      guard(asked, "at first"),
      beside,
      belowGuard(target, asked),
      back(reverted, "at first"),
      anyToolDownGuard(target, mirror, revertedFiles),
      headsGuard(target, { files: files.migrations, applied: pending, reverted: revertedFiles }),
      scriptChecks(target, checks, "before"),
    ].filter((sql) => sql !== ""),
    ...rendered,
    ...[scriptChecks(target, checks, "after")].filter((sql) => sql !== ""),
    footer(target),
  ].join("\n\n");
}

function isAfter({ when }: Check): boolean {
  return when === "after";
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
  options: OfflineOptions & {
    readonly create: string | null;
    readonly named: string;
    readonly history: History;
    readonly waits: readonly GatePair[];
    readonly files: readonly Migration[];
  },
): string {
  const { schema, sql } = target.ledger;
  const { goal, from, create, named, history, files, waits, notImported = [] } = options;
  const revisions = (direction: Direction) =>
    decided.steps
      .filter(
        (step) => step.direction === direction && step.kind !== "repeatable" && step.reason !== "changed",
      )
      .map(({ revision }) => revision);
  const up = new Set(revisions("up"));
  const applied = {
    project: target.settings.project,
    files: files.map(({ id }) => id),
    fresh: files.filter(({ id }) => up.has(id)),
  };
  const down = revisions("down");
  const left = history.entries.findLast(({ revision }) => !down.includes(revision))?.revision ?? "base";
  const makes = `${begin()}\n${sql.create(target.settings.project)}\n${create === null ? "" : `${create};\n`}commit;`;
  return [
    comment(
      `godwit ${goal.direction} --sql: from ${from} to ${goal.to}, ${countOf(decided.steps.length, "migration")}`,
    ),
    "-- Run it with: psql --no-psqlrc --set ON_ERROR_STOP=1 --file <this file> <database>",
    ...notImported.map((name) =>
      comment(
        `This script does not import files. \`godwit up\` runs import ${name} before phase complex; by itself: \`godwit import ${name}\``,
      ),
    ),
    ...unrunChecks(options.checks ?? []),
    PSQL_SETTINGS,
    resetForPsql(target, {}),
    `do $godwit$ begin
  if not pg_try_advisory_lock(${lockKey(schema)}) then
    raise exception 'another run holds the migration lock of this database';
  end if;
end $godwit$;`,
    named,
    ...(goal.direction === "up" ? [makes] : []),
    refuseAbsent(sql, down, left),
    refuseDeclared(sql, down),
    refusePresent(sql, revisions("up")),
    refuseUnfinished(sql, waits),
    sql.refuseDamage(),
    ...(goal.direction === "up" ? [refuseOtherFiles(sql, applied)] : []),
  ]
    .filter((line) => line !== "")
    .join("\n");
}

function footer(target: Target): string {
  return `select pg_advisory_unlock(${lockKey(target.ledger.schema)});`;
}
