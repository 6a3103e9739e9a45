/**
 * The law: what the report says was kept is what is in the database, and who follows its advice ends with everything
 * applied exactly once. Random files of all forms, one of which is in trouble at a random part: it fails, waits for a lock
 * in vain, meets the deadline or a signal, or loses its session.
 */
import { join } from "node:path";
import { DatabaseError, GodwitError, Interrupted } from "../../src/errors.ts";
import { openLedger } from "../../src/ledger/ledger.ts";
import { repair } from "../../src/run/repair.ts";
import type { Report } from "../../src/run/report/report.ts";
import type { Target } from "../../src/run/session/target.ts";
import { openInPlace } from "../../src/source/layouts/in-place.ts";
import { prisma } from "../../src/source/layouts/prisma.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { closeGate, GATE, type Gate } from "../support/gate.ts";
import {
  effectsOf,
  FORMS,
  type LawFile,
  procedureOf,
  render,
  revisionOf,
  type Trouble,
} from "../support/law-files.ts";
import { type Chance, chanceFor, times } from "../support/seed.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

const TROUBLES = ["error", "lock", "deadline", "signal", "kill"] as const;
type Kind = (typeof TROUBLES)[number];
const WAIT = GATE.replace(/;$/, " as one");
const QUERIES: Record<Kind, string> = {
  error: "select 1 as one where 1 / (select 0) = 1",
  lock: WAIT,
  deadline: WAIT,
  signal: WAIT,
  kill: WAIT,
};

interface Case {
  readonly name: string;
  readonly files: readonly LawFile[];
  readonly trouble: Trouble;
  readonly kind: Kind;
  readonly layout: "plain" | "prisma";
}

const CASES = times("GODWIT_TEST_TRUTH", 40);

test(`what a report says was kept is what is there, ${CASES} times`, {
  timeout: 120_000 + CASES * 2_000,
}, async ({ db }) => {
  const chance = chanceFor("truth");
  await db.sql("create table effects (what text)");
  const gate = await closeGate(db);
  for (let n = 0; n < CASES; n++) {
    const one = caseOf(chance.of(n), n);
    const late = new Promise<never>((_, reject) => {
      AbortSignal.timeout(45_000).addEventListener("abort", () => reject(new Error("It did not end.")));
    });
    late.catch(() => {});
    await Promise.race([oneCase(db, gate, one), late]).catch((error) => {
      const { trouble, kind, files } = one;
      const forms = files.map(({ form, parts }) => `${form}(${parts})`).join(" ");
      throw new Error(
        `case ${n}, seed ${chance.seed}: ${kind} in part ${trouble.part} of ${trouble.file.name}; ${forms}`,
        {
          cause: error,
        },
      );
    });
  }
});

function caseOf({ int }: Chance, n: number): Case {
  const layout = int(0, 3) === 0 ? "prisma" : "plain";
  const possible =
    layout === "plain"
      ? FORMS.filter((form) => form !== "units")
      : FORMS.filter((form) => ["transaction", "block", "call", "units"].includes(form));
  // All forms and all troubles in turn, so that few cases meet each of them.
  const files = Array.from({ length: int(1, 3) }, (_, index): LawFile => {
    const form = possible[(n + index * int(1, possible.length)) % possible.length] ?? "transaction";
    return { form, name: `f${n}_000${index + 1}`, parts: int(1, 4) };
  });
  const file = files[int(0, files.length - 1)] as LawFile;
  const kind = TROUBLES[int(0, TROUBLES.length - 1)] as Kind;
  const trouble = { file, part: int(0, file.parts - 1), query: QUERIES[kind] };
  return { name: `law_${n}`, files, trouble, kind, layout };
}

async function oneCase(
  db: TestDatabase,
  gate: Gate,
  { name, files, trouble, kind, layout }: Case,
): Promise<void> {
  const write = async (folder: string, at: Trouble | null) => {
    writeFiles(folder, Object.fromEntries(files.map((file) => render(file, at, layout === "prisma"))));
    for (const file of files) if (file.form === "call") await db.sql(procedureOf(file, at));
  };
  const folder = folderOf(layout === "prisma" ? { "migration_lock.toml": 'provider = "postgresql"\n' } : {});
  await write(folder, trouble);
  const settings = { lockTimeoutMs: kind === "lock" ? 60 : 0, lockAttempts: 1 };
  const plain = {
    ...targetOf({ url: db.url, folder, settings }),
    ledger: openLedger(name, { allowSecond: true }),
  };
  const options = { placeholders: {}, environment: {} };
  const target =
    layout === "plain" ? plain : { ...plain, source: openInPlace(prisma, join(folder), options) };

  const { report, error } = await disturbed(db, { gate, target, kind });
  await compare(db, target, { files, report, error, trouble, kind });

  // What it says to do.
  if (error !== null) {
    const said = [error.message, error.hint ?? ""].join(" ");
    const [, revision, position] = /godwit repair --retry ([^\s:;`]+)(?::(\d+))?/.exec(said) ?? [];
    if (revision !== undefined) {
      await db.sql("delete from effects where what = any ($1)", [everything(trouble.file)]);
      const request = {
        kind: "retry",
        revision,
        position: position === undefined ? null : Number(position),
      } as const;
      await repair(target, request, { confirm: db.name }, recorder());
    }
  }
  if (kind === "error") await write(folder, null);
  await gate.open();
  const last = await up(target);
  await gate.close();
  expect(last.outcome).toBe("done");
  expect(last.failures).toEqual([]);
  expect(await mirrorSqlFor(db, files)).toEqual(files.flatMap(everything).toSorted());
  expect(await appliedIn(db, target)).toEqual(files.map(revisionOf).toSorted());
}

/** Runs until the trouble, and through it. */
async function disturbed(
  db: TestDatabase,
  { gate, target, kind }: { gate: Gate; target: Target; kind: Kind },
) {
  const context = recorder();
  const running = up(target, context).then(
    (report) => ({ report, error: null }),
    (error) => {
      if (!(error instanceof GodwitError) || error.report === undefined) throw error;
      return { report: error.report as Report, error };
    },
  );
  if (kind === "deadline" || kind === "signal" || kind === "kill") {
    const [pid] = await Promise.race([gate.reached(), running.then(() => [undefined])]);
    expect(pid, "a waiter").toBeDefined();
    if (kind === "deadline")
      context.abort(new Interrupted({ code: "DEADLINE", message: "The deadline has passed." }, "deadline"));
    else if (kind === "signal")
      context.abort(new Interrupted({ code: "INTERRUPTED", message: "SIGTERM ended the run." }, "SIGTERM"));
    else {
      await db.admin("select pg_terminate_backend($1)", [pid]);
      await gate.open();
    }
  }
  const result = await running;
  if (kind === "kill") await gate.close();
  return result;
}

interface Outcome {
  readonly files: readonly LawFile[];
  readonly report: Report;
  readonly error: GodwitError | null;
  readonly trouble: Trouble;
  readonly kind: Kind;
}

async function compare(db: TestDatabase, target: Target, { files, report, error, trouble, kind }: Outcome) {
  const there = await mirrorSqlFor(db, files);
  const done = report.steps.map(({ revision }) => revision);
  const failure = report.failures[0];
  expect(await appliedIn(db, target)).toEqual(done.toSorted());
  for (const file of files) {
    const mine = there.filter((what) => what.startsWith(`${file.name}.`));
    if (done.includes(revisionOf(file))) expect(mine).toEqual(everything(file));
    else if (failure?.revision !== revisionOf(file)) expect(mine).toEqual([]);
  }
  if (error === null || failure === undefined) {
    expect({ kind, outcome: report.outcome }).toEqual({ kind: "kill", outcome: "done" });
    return;
  }
  const { file } = trouble;
  expect(failure.revision).toBe(revisionOf(file));
  const kept = there.filter((what) => what.startsWith(`${file.name}.`));
  const parts = kept.length / effectsOf(file, 0).length;
  expect(kept, "whole parts from the first on").toEqual(everything(file).slice(0, kept.length));
  const said = `${error.message} ${error.hint ?? ""}`;
  if (failure.committed === "none") {
    expect(kept).toEqual([]);
    expect(said).not.toMatch(/done and stay|may have kept|is not known/);
  } else if (failure.committed === "some") {
    expect(Number(/(\d+) of the \d+ (?:statements|transactions)/.exec(said)?.[1])).toBe(parts);
    expect(kept).not.toEqual([]);
  } else {
    expect(["block", "call", "module-outside"]).toContain(file.form);
    // Only of a session that was lost may less be known than is there.
    if (kind !== "kill") expect(kept).not.toEqual([]);
    expect(said).toMatch(/may have kept|is not known|cannot tell/);
  }
  const [row] = await db.sql(
    `select details ->> 'committed' as committed from "${target.ledger.schema}".migration_log where event = 'failed' order by id desc`,
  );
  expect(row).toEqual({ committed: failure.committed });
  if (kind === "deadline" || kind === "signal") expect(report.outcome).toBe("interrupted");
  else expect(error).not.toBeInstanceOf(DatabaseError);
}

const everything = (file: LawFile) =>
  Array.from({ length: file.parts }, (_, part) => effectsOf(file, part)).flat();

async function mirrorSqlFor(db: TestDatabase, files: readonly LawFile[]): Promise<string[]> {
  const names = files.map(({ name }) => name);
  const rows = await db.sql<{ what: string }>(
    "select what from effects where split_part(what, '.', 1) = any ($1) order by what",
    [names],
  );
  return rows.map(({ what }) => what);
}

async function appliedIn(db: TestDatabase, target: Target): Promise<string[]> {
  const history = `"${target.ledger.schema}".migration_history`;
  const [there] = await db.sql("select to_regclass($1) as there", [history]);
  if (there?.there === null) return [];
  const rows = await db.sql<{ revision: string }>(
    `select revision from ${history} where state = 'applied' order by 1`,
  );
  return rows.map(({ revision }) => revision);
}
