/**
 * The law beside another tool: whatever it and we do in whatever order, no migration is run a second time, and who follows what
 * our refusals say ends with each effect there once and both histories telling the same.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { GodwitError, problemsOf } from "../../src/errors.ts";
import { adopt } from "../../src/run/adopt.ts";
import { baseline } from "../../src/run/baseline.ts";
import { migrate } from "../../src/run/migrate.ts";
import { repair } from "../../src/run/repair.ts";
import type { Target } from "../../src/run/session/target.ts";
import { type Backup, backUp, restore } from "../support/backup.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { appliedIn } from "../support/refusal.ts";
import { type Chance, chanceFor, times } from "../support/seed.ts";
import { down, folderOf, recorder, up, writeFiles } from "../support/target.ts";
import {
  DBMATE,
  down as downOf,
  effectsOf,
  GOLANG,
  type ModelFile,
  SUPABASE,
  type ToolModel,
  up as upOf,
} from "../support/tool-model.ts";
import { targetIn } from "../support/tools.ts";

const CASES = times("GODWIT_TEST_BESIDE", 8);
const ACTIONS = 10;

describe("any sequence of actions, ours and the tool's", () => {
  const cases = [
    { name: "dbmate, kept in step", tool: DBMATE, mirror: "dbmate" },
    { name: "dbmate", tool: DBMATE, mirror: undefined },
    { name: "golang-migrate, kept in step", tool: GOLANG, mirror: "golang-migrate" },
    { name: "golang-migrate", tool: GOLANG, mirror: undefined },
    { name: "Supabase, kept in step by itself", tool: SUPABASE, mirror: undefined },
  ];
  test.for(cases)("$name", { timeout: 60_000 + CASES * 20_000 }, async ({ name, tool, mirror }, { db }) => {
    const chance = chanceFor(name);
    for (let n = 0; n < CASES; n++) await sequence(db, { tool, mirror, chance: chance.of(n) });
  });
});

interface Case {
  readonly tool: ToolModel;
  readonly mirror: string | undefined;
  readonly chance: Chance;
}

async function sequence(db: TestDatabase, { tool, mirror, chance }: Case): Promise<void> {
  await db.sql(`drop schema if exists "${ledgerSchema}" cascade; drop schema if exists supabase_migrations cascade;
    drop schema if exists elsewhere cascade; drop table if exists public.schema_migrations, effects; create table effects (n int primary key)`);
  const files: ModelFile[] = [];
  const folder = folderOf({});
  const target = await targetIn(tool.layout, {
    ...{ url: db.url, folder },
    ...(mirror === undefined ? {} : { settings: { mirror } }),
  });
  const said: string[] = [];
  const isMirrored = mirror !== undefined || tool === SUPABASE;
  const replace = (by: readonly ModelFile[]) => {
    for (const name of Object.keys(tool.files(files))) rmSync(join(folder, name));
    files.splice(0, files.length, ...by.toSorted((left, right) => left.n - right.n));
    writeFiles(folder, tool.files(files));
    for (const { n } of by) used.add(n);
  };
  const used = new Set<number>();
  const model = new Model(db, { tool, target, files, said, isMirrored, replace });
  const add = (n: number) => {
    used.add(n);
    files.push({ n, word: "abc"[chance.int(0, 2)] ?? "a" });
    files.sort((left, right) => left.n - right.n);
    writeFiles(folder, tool.files(files));
  };
  for (const n of [10, 20]) add(n);
  const change = (at: number, one: Partial<ModelFile>) => {
    const before = files[at] as ModelFile;
    for (const name of Object.keys(tool.files([before]))) rmSync(join(folder, name));
    files[at] = { ...before, ...one };
    writeFiles(folder, tool.files(files));
    said.push(`  ${tool.revision(before)} is now ${tool.revision(files[at])}, edit ${files[at].edits ?? 0}`);
    return before;
  };
  try {
    for (let turn = 0; turn < ACTIONS; turn++) {
      const action = chance.int(0, 17);
      said.push(`action ${action}`);
      if (action === 0) add(Math.max(...used) + 10);
      else if (action === 1) {
        // A number says nothing of a file that came between two of its values: both looked at it before.
        if (!tool.isSet || model.isSquashed) await model.ourUp();
        addLate(used, add, chance);
      } else if (action === 2) await model.toolUp();
      else if (action === 3) await model.toolDown();
      else if (action === 4) await model.removeRow(chance);
      else if (action === 5) await model.ourDown();
      else if (action === 6) {
        const at = chance.int(0, files.length - 1);
        change(at, { edits: (files[at]?.edits ?? 0) + 1 });
      } else if (action === 7) {
        const at = chance.int(0, files.length - 1);
        await model.misnamed(at, change);
      } else if (action === 8) await model.away(chance, "elsewhere");
      else if (action === 9) await model.away(chance, null);
      else if (action === 10) await model.correct(chance);
      else if (action === 11) await model.squash(chance);
      else if (action === 12) await model.backUp();
      else if (action === 13) await model.restore(chance);
      else await model.ourUp();
    }
    await model.ourUp();
  } catch (error) {
    throw new Error(`${said.join("\n")}\n${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

function addLate(used: ReadonlySet<number>, add: (n: number) => void, chance: Chance): void {
  const n = chance.int(1, Math.max(...used));
  if (!used.has(n)) add(n);
}

function isIn(effects: readonly number[], file: ModelFile): boolean {
  return effectsOf(file).every((n) => effects.includes(n));
}

interface ModelOf {
  readonly tool: ToolModel;
  readonly target: Target;
  readonly files: readonly ModelFile[];
  readonly said: string[];
  readonly isMirrored: boolean;
  /** Puts other files in the place of all. */
  readonly replace: (by: readonly ModelFile[]) => void;
}

class Model {
  readonly #db: TestDatabase;
  readonly #of: ModelOf;
  #backup: Backup | null = null;
  #squashes = 0;
  /** The files that one of now replaced, until that is declared. */
  #old: readonly ModelFile[] | null = null;

  constructor(db: TestDatabase, of: ModelOf) {
    this.#db = db;
    this.#of = of;
  }

  async #effects(): Promise<readonly number[]> {
    return (await this.#db.sql<{ n: number }>("select n from effects order by n")).map(({ n }) => n);
  }

  /** In one transaction each, as the tool does it; a file whose effect is there fails, and stops it. */
  async toolUp(): Promise<void> {
    const { tool, files, said } = this.#of;
    await this.#db.sql(tool.create);
    for (const file of tool.pending(await tool.claims(this.#db, files), files)) {
      const effects = await this.#effects();
      if (effectsOf(file).some((n) => effects.includes(n))) return;
      said.push(`  ${tool.name} applies ${file.n}`);
      await this.#db.sql(`begin; ${upOf(file)} ${tool.row(file)}; commit`);
    }
  }

  async toolDown(): Promise<void> {
    const { tool, files, said } = this.#of;
    const claimed = await tool.claims(this.#db, files);
    const mine = files.filter(({ n }) => claimed.includes(n));
    const last = mine.at(-1);
    // The rows of those that it replaced would stay, and say what is no longer so.
    if (last === undefined || this.isSquashed) return;
    said.push(`  ${tool.name} takes back ${last.n}`);
    await this.#db.sql(`begin; ${downOf(last)} ${tool.unrow(last, mine.at(-2))}; commit`);
  }

  /** Somebody edits the history: the row goes, the effect stays. One that we never saw is beyond anybody's knowledge. */
  async removeRow(chance: Chance): Promise<void> {
    const { tool, files, said } = this.#of;
    const claimed = await tool.claims(this.#db, files);
    const known = new Set(await appliedIn(this.#db).catch(() => []));
    const mine = files.filter((file) => claimed.includes(file.n) && known.has(tool.revision(file)));
    const at = tool.isSet ? chance.int(0, mine.length - 1) : mine.length - 1;
    const one = mine[at];
    if (one === undefined || (!tool.isSet && one.n !== Math.max(...claimed))) return;
    said.push(`  the row of ${one.n} is removed`);
    await this.#db.sql(tool.unrow(one, mine[at - 1]));
  }

  async ourDown(): Promise<void> {
    const { target, said } = this.#of;
    const before = await this.#effects();
    try {
      const { steps } = await migrate(target, down("-1"), recorder());
      said.push(`  down takes back ${steps.map(({ revision }) => revision)}`);
    } catch (error) {
      this.#refused(error);
      expect(await this.#effects()).toEqual(before);
    }
  }

  /** Until it is done, doing what a person who looks at the database does about each refusal. */
  async ourUp(): Promise<void> {
    const { target, tool, files, said } = this.#of;
    let outOfOrder = false;
    for (let attempt = 0; attempt < 30; attempt++) {
      const before = await this.#effects();
      let codes: readonly string[];
      try {
        const { steps } = await up(target, recorder(), { outOfOrder });
        said.push(`  up applies ${steps.map(({ revision }) => revision)}`);
        expect(await this.#effects()).toEqual(
          files.flatMap(effectsOf).toSorted((left, right) => left - right),
        );
        expect((await appliedIn(this.#db)).toSorted()).toEqual(files.map(tool.revision).toSorted());
        return;
      } catch (error) {
        codes = this.#refused(error);
        expect(await this.#effects(), String(error)).toEqual(before);
        if (codes.includes("PLAN_LATE")) outOfOrder = await this.#late(error);
        else if (codes.includes("ADOPT_TAKEN_BACK")) await this.#settle(error);
        else if (codes.includes("ADOPT_CONFLICT")) await this.#sayWhereItIs(error);
        else if (codes.includes("ADOPT_NEEDED")) await this.#adopt();
        else if (codes.includes("LEDGER_FOREIGN")) await this.#declare();
        else if (codes.includes("PLAN_EDITED")) await this.#accept(error);
        else throw error;
      }
    }
    throw new Error("Following what is said does not lead on.");
  }

  /** A tool with a number may have applied it, and cannot say so: then a person looks. */
  async #late(error: unknown): Promise<true> {
    const { tool, files } = this.#of;
    const effects = await this.#effects();
    const late = problemsOf(error as GodwitError).flatMap(({ code, details }) =>
      code === "PLAN_LATE" ? (details?.revisions as string[]) : [],
    );
    const there = files.filter((file) => isIn(effects, file) && late.includes(tool.revision(file)));
    expect(tool.isSet ? there : []).toEqual([]);
    for (const file of there) await this.#markDone(tool.revision(file));
    return true;
  }

  /** The number stands on a file of which nobody but the database knows whether it ran. */
  async #sayWhereItIs(error: unknown): Promise<void> {
    const { tool, files } = this.#of;
    const effects = await this.#effects();
    const [file] = files.filter((one) => String(error).includes(`is at ${tool.revision(one)} now`));
    if (file === undefined) throw error;
    if (isIn(effects, file)) return this.#markDone(tool.revision(file));
    await this.#force(file, effects);
  }

  /** A file gets another name for one run of ours: what has run is refused or stays, and the name comes back. */
  async misnamed(at: number, change: (at: number, one: Partial<ModelFile>) => ModelFile): Promise<void> {
    const { target } = this.#of;
    const known = new Set<string>(await appliedIn(this.#db).catch(() => []));
    const had = change(at, { word: "renamed" });
    // What we know nothing of may come with any name, and then has that one.
    if (known.has(this.#of.tool.revision(had))) {
      await up(target, recorder()).then(
        () => {},
        (error: unknown) => this.#refused(error),
      );
    }
    change(at, { word: had.word });
  }

  /**
   * Its table is in another schema, or has another name (`schema` is `null`), for one run of ours. Then it is as it was
   * before, or with one row less: the tool has taken that back meanwhile.
   */
  async away(chance: Chance, schema: string | null): Promise<void> {
    const { tool, target, said, files } = this.#of;
    const [place = "public", name = ""] = tool.table.split(".");
    const known = await appliedIn(this.#db).catch(() => []);
    const [there] = await this.#db.sql<{ yes: boolean }>(
      `select to_regclass('${tool.table}') is not null as yes`,
    );
    // Where we have applied nothing, a table by another name is another history.
    if (known.length === 0 || there?.yes !== true) return;
    const how = schema === null ? "rename to gone" : `set schema ${schema}`;
    said.push(`  ${how}`);
    const claimed = await tool.claims(this.#db, files);
    await this.#db.sql(`create schema if not exists elsewhere; alter table ${tool.table} ${how}`);
    await up(target, recorder()).then(
      ({ steps }) => said.push(`  up applies ${steps.map(({ revision }) => revision)}`),
      (error: unknown) => this.#refused(error),
    );
    const moved = schema === null ? `${place}.gone` : `${schema}.${name}`;
    expect(await this.#db.sql(`select to_regclass('${tool.table}') is null as yes`)).toEqual([{ yes: true }]);
    const mine = files.filter(({ n }) => claimed.includes(n));
    const last = mine.at(-1);
    if (last !== undefined && !this.isSquashed && chance.chance(0.5)) {
      said.push(`  meanwhile ${tool.name} takes back ${last.n}`);
      const unrow = tool.unrow(last, mine.at(-2)).replaceAll(tool.table, moved);
      await this.#db.sql(`begin; ${downOf(last)} ${unrow}; commit`);
    }
    await this.#db.sql(
      `alter table ${moved} ${schema === null ? `rename to ${name}` : `set schema ${place}`}`,
    );
  }

  /** A person who looked at the database says unasked what is there of one migration. */
  async correct(chance: Chance): Promise<void> {
    const { target, tool, files, said } = this.#of;
    const file = files[chance.int(0, files.length - 1)] as ModelFile;
    // What the tool did before we ever looked is adopted first.
    if ((await appliedIn(this.#db).catch(() => [])).length === 0) return;
    const revision = tool.revision(file);
    const isThere = isIn(await this.#effects(), file);
    const request = isThere
      ? ({ kind: "mark-done", revision, position: null } as const)
      : ({ kind: "forget", revision } as const);
    said.push(`  unasked: ${request.kind} ${revision}`);
    await repair(target, request, { confirm: this.#db.name }, recorder()).then(
      () => {},
      (error: unknown) => this.#refused(error),
    );
  }

  get isSquashed(): boolean {
    return this.#old !== null;
  }

  /** All that ran is replaced by one file, and the tool's history may be told so by hand. */
  async squash(chance: Chance): Promise<void> {
    const { tool, files, said, isMirrored, replace } = this.#of;
    await this.ourUp();
    // One file under another name and number is a renamed file.
    if (files.length < 2) return;
    const last = files.at(-1) as ModelFile;
    const numbers = tool.isSet ? [files[0]?.n ?? 0, last.n, last.n + 10] : [last.n, last.n + 10];
    const n = numbers[chance.int(0, numbers.length - 1)] ?? 0;
    const by: ModelFile = { n, word: `squashed${++this.#squashes}`, effects: files.flatMap(effectsOf) };
    // What a backup has of it in part cannot be told by anybody.
    this.#backup = null;
    this.#old = [...files];
    replace([by]);
    said.push(`  squashed into ${tool.revision(by)}`);
    if (isMirrored || chance.chance(0.5)) return;
    said.push(`  ${tool.name} is told by hand`);
    await this.#db.sql(`${tool.create}; ${tool.unrow(by, undefined)}; ${tool.row(by)}`);
    await this.#declare();
  }

  /** What is there of these files is declared, as the message says. */
  async #declare(): Promise<void> {
    const { target, tool, files, said, replace } = this.#of;
    const effects = await this.#effects();
    const first = files.findIndex((file) => !isIn(effects, file));
    // It was taken back meanwhile, and only the old files can be applied again one by one.
    if (first === 0 && this.#old !== null) {
      const old = this.#old.flatMap(effectsOf);
      replace([...this.#old, ...files.filter((file) => !effectsOf(file).some((n) => old.includes(n)))]);
      said.push("  the old files are back");
      this.#old = null;
      return;
    }
    const last = files.at((first === -1 ? files.length : first) - 1) as ModelFile;
    said.push(`  declare ${tool.revision(last)}`);
    await baseline(target, tool.revision(last), recorder(), { confirm: this.#db.name });
    this.#old = null;
  }

  async backUp(): Promise<void> {
    const place = this.#of.tool.table.split(".")[0] ?? "";
    this.#of.said.push("  backed up");
    this.#backup = await backUp(this.#db, [...new Set(["public", place, ledgerSchema])]);
  }

  /** All of the backup; or without our ledger, or our ledger alone. The latter two are told only by a mirrored history. */
  async restore(chance: Chance): Promise<void> {
    const { isMirrored, said, tool, files } = this.#of;
    if (this.#backup === null) return;
    const { schemas } = this.#backup;
    const claimed = await tool.claims(this.#db, files);
    const told = files.filter(({ n }) => claimed.includes(n)).flatMap(effectsOf);
    const isTold = (await this.#effects()).every((n) => told.includes(n));
    const parts = [schemas, schemas.filter((one) => one !== ledgerSchema), [ledgerSchema]];
    const part = parts[isMirrored ? chance.int(0, isTold ? 2 : 1) : 0] ?? [];
    said.push(`  restored: ${part}`);
    await restore(this.#db, this.#backup, part);
  }

  async #accept(error: unknown): Promise<void> {
    const edited = problemsOf(error as GodwitError).flatMap(({ code, details }) =>
      code === "PLAN_EDITED" ? [String(details?.revision)] : [],
    );
    for (const revision of edited) {
      this.#of.said.push(`  accept ${revision}`);
      await repair(this.#of.target, { kind: "accept", revision }, { confirm: this.#db.name }, recorder());
    }
  }

  async #markDone(revision: string): Promise<void> {
    const { target, said } = this.#of;
    said.push(`  mark-done ${revision}`);
    const request = { kind: "mark-done", revision, position: null } as const;
    const again = await repair(target, request, { confirm: this.#db.name }, recorder()).then(
      () => false,
      (error: unknown) => this.#sayFirst(error),
    );
    if (again) await this.#markDone(revision);
  }

  /** The tool's number would move past what nobody has settled: a person settles that, and comes back. */
  async #sayFirst(error: unknown): Promise<true> {
    const { target, tool, files } = this.#of;
    expect(this.#refused(error)).toEqual(["REPAIR_REFUSED"]);
    const first = (error as GodwitError).details?.first as string[] | undefined;
    const file = files.find((one) => tool.revision(one) === first?.[0]);
    if (file === undefined) throw error;
    const effects = await this.#effects();
    const known = await appliedIn(this.#db);
    if (isIn(effects, file)) await this.#markDone(tool.revision(file));
    else if (!known.includes(tool.revision(file))) await this.#force(file, effects);
    else {
      const request = { kind: "forget", revision: tool.revision(file) } as const;
      await repair(target, request, { confirm: this.#db.name }, recorder());
    }
    return true;
  }

  /** `migrate force`: the number is that of the last one below this that is there. */
  async #force(file: ModelFile, effects: readonly number[]): Promise<void> {
    const { tool, files, said } = this.#of;
    const there = files.filter((one) => one.n < file.n && isIn(effects, one)).at(-1);
    said.push(`  force ${there?.n}`);
    await this.#db.sql(tool.unrow(file, there));
  }

  async #adopt(): Promise<void> {
    try {
      await adopt(this.#of.target, { assume: false, dryRun: false }, recorder());
    } catch (error) {
      const codes = this.#refused(error);
      if (codes.includes("ADOPT_TAKEN_BACK")) await this.#settle(error);
      else if (codes.includes("ADOPT_CONFLICT")) await this.#sayWhereItIs(error);
      else throw error;
    }
  }

  async #settle(error: unknown): Promise<void> {
    const { target, tool, files, said } = this.#of;
    const effects = await this.#effects();
    const wanted = problemsOf(error as GodwitError).flatMap(({ code, details, message }) => {
      const revisions = code === "ADOPT_TAKEN_BACK" ? (details?.revisions as string[]) : [];
      // Of a table that is gone, the newest row is spoken of first.
      return message.endsWith("is gone.") ? revisions.toReversed() : revisions;
    });
    for (const revision of wanted) {
      const file = files.find((one) => tool.revision(one) === revision);
      if (file !== undefined && isIn(effects, file)) {
        await this.#markDone(revision);
        continue;
      }
      said.push(`  forget ${revision}`);
      await repair(target, { kind: "forget", revision }, { confirm: this.#db.name }, recorder());
    }
  }

  /** Named, and never because a file was run a second time. */
  #refused(error: unknown): readonly string[] {
    if (!(error instanceof GodwitError)) throw error;
    const codes = problemsOf(error).map(({ code }) => code);
    this.#of.said.push(`  refused: ${codes} ${error.message}`);
    expect(codes, error.message).not.toContain("STEP_FAILED");
    return codes;
  }
}
