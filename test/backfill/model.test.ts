/**
 * A backfill against a single `UPDATE`: in the end every row has what that would have given it, and was touched once,
 * whatever writers insert, update, delete and give other keys meanwhile, with any number of workers, and wherever runs are
 * ended, connections cut and processes killed. The way back the same: each row has its own values again.
 * `GODWIT_TEST_BACKFILL=20` goes through each kind of key so many times.
 */
import { describe } from "vitest";
import { literal } from "../../src/core/sql/quote.ts";
import { GodwitError } from "../../src/errors.ts";
import { undoBackfill } from "../../src/run/backfill-undo.ts";
import { repair } from "../../src/run/repair.ts";
import { type Command, commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { type Chance, chanceFor, times } from "../support/seed.ts";
import { lockHolder, waiters } from "../support/sessions.ts";
import { folderOf, type Recorder, recorder, targetOf, UP, up } from "../support/target.ts";
import { until } from "../support/until.ts";
import { KEYS } from "./key-kinds.ts";

const ROUNDS = times("GODWIT_TEST_BACKFILL", 1);
const ROWS = 400;
const FILL = "0001_fill";

const BY_STATEMENT = (header: string) => `-- godwit: backfill table=rows ${header}
-- godwit: where not done
update rows r set value = r.value * 2 + 1, touched = r.touched + 1, done = true where :window(r) and not r.done;
`;
const BY_FUNCTION = (key: readonly string[], most: number) => `import { backfill } from "godwit";
export default backfill({ table: "rows", key: ${JSON.stringify(key)}, minRows: 1, maxRows: ${most}, where: "not done",
  columns: ["value", "touched"], writes: ["value", "touched", "done"], undo: true,
  rows: (rows) => rows.map(({ value, touched }) => ({ value: value * 2 + 1, touched: touched + 1, done: true })),
});
`;
/** Each time that a row is touched or has its values back, in the transaction that does it. */
const NOTES = `create table notes (n int not null, touched int not null);
create function note() returns trigger language plpgsql as $$ begin insert into notes values (new.n, new.touched); return null; end $$;
create trigger notes after update on rows for each row when (old.touched <> new.touched) execute function note();`;

interface Kind {
  readonly columns: readonly string[];
  readonly values: string;
}

interface Seen {
  runs: number;
  cut: number;
  killed: number;
  again: number;
  back: number;
}

describe.each(Object.entries(KEYS))("a backfill by %s", (kind, of) => {
  test("every row as one UPDATE leaves it, and touched once; and back", async ({ db }) => {
    const random = chanceFor(`backfill as one UPDATE, by ${kind}`);
    const seen: Seen = { runs: 0, cut: 0, killed: 0, again: 0, back: 0 };
    for (let round = 0; round < ROUNDS; round++) await goThrough(db, random.of(round), { ...of, seen });
    console.info(
      `${kind}: ${seen.runs} runs, ${seen.cut} cut, ${seen.killed} killed, ${seen.again} times through the whole table again, ${seen.back} rows brought back`,
    );
  });
});

async function goThrough(
  db: TestDatabase,
  random: Chance,
  { columns, values, seen }: Kind & { readonly seen: Seen },
): Promise<void> {
  const names = columns.map((column) => column.split(" ")[0] ?? "");
  const isPartitioned = names.includes("region");
  await db.sql(`drop table if exists rows, notes; drop function if exists note; drop schema if exists "${ledgerSchema}" cascade;
create table rows (${columns.join(", ")}, n int not null, origin int not null, value int not null, hits int not null default 0,
  touched int not null default 0, done bool not null default false, primary key (${names.join(", ")}))${
    isPartitioned
      ? ` partition by list (region);
${[0, 1, 2].map((region) => `create table rows_${region} partition of rows for values in (${region});`).join("\n")}`
      : ""
  };
create index on rows (n);
insert into rows select ${values}, n, n, n from generate_series(1, ${ROWS}) n; analyze rows;
${NOTES}`);
  const most = random.int(1, 70);
  const byFunction = random.chance(0.3);
  const parallel = random.chance(0.5) ? 1 : random.int(2, 4);
  const header = `key=${names.join(",")} min-rows=${random.int(1, most)} max-rows=${most} parallel=${parallel} undo=yes`;
  const folder = folderOf({
    [`migrations/${FILL}.${byFunction ? "ts" : "sql"}`]: byFunction
      ? BY_FUNCTION(names, most)
      : BY_STATEMENT(header),
  });
  const target = targetOf({ url: db.url, folder: `${folder}/migrations` });
  const godwit = commandIn({ folder, url: db.url });
  const writer = createWriter(db, random.of(1), { names, values });

  const there = disturbed({ db, random, writer, seen });
  await there({
    // A row that is inserted after it is the application's.
    isThrough: async () => (await stateOf(db)) === "applied",
    run: (recorded) => up(target, recorded),
    begin: () => godwit.start("up"),
    // Rows that were given other keys behind its position, or inserted there, are found at the end.
    async again(code) {
      if (code !== "BACKFILL_REMAINDER") return;
      seen.again++;
      const what = { kind: "retry", revision: FILL, position: null } as const;
      await repair(target, what, { confirm: db.name }, recorder());
    },
  });
  const [state] = await db.sql(`select bound, key_types from "${ledgerSchema}".migration_backfills`);
  const bound = ((state?.bound ?? []) as readonly string[]).map(
    (text, at) => `${literal(text)}::${(columns[at] ?? "").replace(/^\S+ | collate .*$/g, "")}`,
  );
  const belongs = `(${names.join(", ")}) <= (${bound.join(", ")})`;
  expect(
    await db.sql(`select n, origin, value, touched, done from rows where value <> case when done then origin * 2 + 1 else origin end
  or touched <> done::int or not done and ${belongs}`),
    "rows that are not as one UPDATE leaves them",
  ).toEqual([]);
  expect(await db.sql("select n, hits from rows where hits <> 0 order by n")).toEqual(writer.hits());
  expect(await db.sql("select n from notes group by n having count(*) > 1"), "rows written twice").toEqual(
    [],
  );

  // Somebody gives some rows another value. Those are left as they are.
  await db.sql("update rows set value = -1 where done and n % 37 = 0; truncate notes");
  const [kept] = await db.sql<{ into: string }>(
    `select relname as into from pg_class where relnamespace = '"${ledgerSchema}"'::regnamespace and relname ~ 'migration_undo_' and relkind = 'r'`,
  );
  const joined = names.map((name, at) => `k.key_${at + 1} = r.${name}`).join(" and ");
  const own = await db.sql<{ n: number }>(
    `select r.n from rows r join "${ledgerSchema}"."${kept?.into}" k on ${joined} where r.value <> -1`,
  );
  writer.forgetMoved();
  const back = disturbed({ db, random, writer, seen });
  await back({
    isThrough: async () => (await stateOf(db)) === undefined,
    run: (recorded) => undoBackfill(target, { ...UP, goal: { ...UP.goal, to: FILL } }, recorded),
    begin: () => godwit.start("backfill", "undo", FILL),
    again: async () => {},
  });
  const restored = own.filter(({ n }) => !writer.moved.has(n)).map(({ n }) => n);
  seen.back += restored.length;
  expect(
    await db.sql(
      `select n, origin, value, touched, done from rows where n = any ($1::int[]) and (done or touched <> 0 or value <> origin)
  or n <> all ($1::int[]) and value <> -1 and (value <> case when done then origin * 2 + 1 else origin end or touched <> done::int)
  or value = -1 and (not done or touched <> 1)`,
      [restored],
    ),
    "rows that did not come back as they were, or that were not the backfill's to touch",
  ).toEqual([]);
  expect(
    await db.sql("select n from notes group by n having count(*) > 1"),
    "rows brought back twice",
  ).toEqual([]);
  expect(await db.sql("select n, hits from rows where hits <> 0 order by n")).toEqual(writer.hits());
}

/** What the ledger says of the backfill. */
async function stateOf(db: TestDatabase): Promise<string | undefined> {
  const [{ exists } = { exists: false }] = await db.sql<{ exists: boolean }>(
    `select to_regclass('"${ledgerSchema}".migration_history') is not null as exists`,
  );
  if (!exists) return "pending";
  const [row] = await db.sql<{ state: string }>(`select state from "${ledgerSchema}".migration_history`);
  return row?.state;
}

interface Attempts {
  /** It may be, although the run that came to the end was cut or killed before it could say so. */
  readonly isThrough: () => Promise<boolean>;
  readonly run: (recorded: Recorder) => Promise<unknown>;
  /** The same with the real binary. */
  readonly begin: () => ReturnType<Command["start"]>;
  readonly again: (code: string | null) => Promise<void>;
}

/** Ends runs of it, cuts their connections and kills their processes until one comes to its end. */
function disturbed({
  db,
  random,
  writer,
  seen,
}: {
  readonly db: TestDatabase;
  readonly random: Chance;
  readonly writer: ReturnType<typeof createWriter>;
  readonly seen: Seen;
}) {
  return async ({ isThrough, run, begin, again }: Attempts): Promise<void> => {
    // A process takes a second to begin.
    let kills = random.int(0, 2);
    const codes = new Set<string | null>();
    for (let tries = 0; ; tries++) {
      expect(tries, `runs that ended with ${[...codes]}`).toBeLessThan(100);
      const isFree = async () => (await lockHolder(db)) === undefined;
      await until(isFree, { what: "the end of the last run's session" });
      if (await isThrough()) return;
      for (let left = tries === 0 ? 0 : 5; left > 0; left--) await writer.write();
      seen.runs++;
      if (kills > 0 && random.chance(0.5)) {
        kills--;
        if (await kill(db, { random, begin })) seen.killed++;
        continue;
      }
      const after = random.int(1, 10);
      const cuts = random.chance(0.4);
      let windows = 0;
      const recorded = recorder((event) => {
        if (event.kind !== "backfill-progress" || ++windows !== after) return;
        // What is running is cut off; or the run is asked to end.
        if (cuts) void writer.cut().then(() => seen.cut++);
        else recorded.abort(new Error("ended by the test"));
      });
      const ending = run(recorded).then(
        () => ({ done: true, code: null }),
        (error: unknown) => {
          if (error instanceof GodwitError) return { done: false, code: error.code };
          if (recorded.signal.aborted) return { done: false, code: null };
          throw error;
        },
      );
      const { done, code } = await writer.until(ending);
      if (done) return;
      codes.add(code);
      await again(code);
    }
  };
}

/**
 * Kills the process with a window under way: it waits for a row that is held here. Whether the row is free before the
 * process is gone is left to chance, and so is whether the window is committed. `false`: it has met no such row.
 */
async function kill(
  db: TestDatabase,
  { random, begin }: { readonly random: Chance } & Pick<Attempts, "begin">,
): Promise<boolean> {
  const holder = await db.connect();
  await holder.query("begin");
  await holder.query("select from rows where n = any ($1::int[]) for update", [
    [random.int(1, ROWS), random.int(1, ROWS)],
  ]);
  const { child, ended } = begin();
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  await until(async () => isOver || (await waiters(db)) > 0, { what: "a window that waits, or the end" });
  const isMet = !isOver;
  if (random.chance(0.5)) await holder.query("rollback");
  child.kill("SIGKILL");
  await ended;
  await holder.query("rollback");
  await holder.end();
  return isMet;
}

/** An application beside it: what it wrote is known, and must be there in the end. */
function createWriter(
  db: TestDatabase,
  random: Chance,
  { names, values }: { readonly names: readonly string[]; readonly values: string },
) {
  /** Rows that were given another key. */
  const moved = new Set<number>();
  const hits = new Map<number, number>(Array.from({ length: ROWS }, (_, at) => [at + 1, 0]));
  let fresh = 10_000;
  const write = async (): Promise<void> => {
    const known = [...hits.keys()];
    const n = known[random.int(0, known.length - 1)] ?? 0;
    const kind = random.int(1, 10);
    if (kind === 1) {
      await db.sql(`delete from rows where n = ${n}`);
      hits.delete(n);
    } else if (kind === 2) {
      const made = ++fresh;
      await db.sql(`insert into rows select ${values}, n, n, n from (select ${made} as n) made`);
      hits.set(made, 0);
    } else if (kind === 3) {
      // A key of its own, which no other row has had.
      await db.sql(
        `update rows set (${names.join(", ")}) = (select ${values} from (select ${++fresh} as n) moved) where n = ${n}`,
      );
      moved.add(n);
    } else if (kind === 4) {
      // What the backfill reads.
      await db.sql(`update rows set value = value + 5, origin = origin + 5 where n = ${n} and not done`);
    } else {
      await db.sql(`update rows set hits = hits + 1 where n = ${n}`);
      hits.set(n, (hits.get(n) ?? 0) + 1);
    }
  };
  return {
    write,
    moved,
    forgetMoved: () => moved.clear(),
    /** Writes as long as a run goes on, and little enough that it comes to its end. */
    async until<T>(ending: Promise<T>): Promise<T> {
      let over = false;
      const told = ending.finally(() => {
        over = true;
      });
      told.catch(() => {});
      for (let left = 25; left > 0 && !over; left--) await write();
      return told;
    },
    async cut(): Promise<void> {
      const pid = await lockHolder(db);
      if (pid !== undefined) await db.admin("select pg_terminate_backend($1)", [pid]);
    },
    hits: () =>
      [...hits]
        .filter(([, count]) => count > 0)
        .map(([n, count]) => ({ n, hits: count }))
        .toSorted((left, right) => left.n - right.n),
  };
}
