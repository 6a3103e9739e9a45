/**
 * A backfill against a single `UPDATE`: in the end every row has what that would have given it, and was touched once,
 * whatever writers insert, update, delete and give other keys meanwhile, and wherever runs are ended and connections cut.
 * `GODWIT_TEST_BACKFILL=20` goes through each kind of key so many times.
 */
import { describe } from "vitest";
import { literal } from "../../src/core/sql/quote.ts";
import { GodwitError } from "../../src/errors.ts";
import { repair } from "../../src/run/repair.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { type Chance, chanceFor, times } from "../support/seed.ts";
import { lockHolder } from "../support/sessions.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";
import { KEYS } from "./key-kinds.ts";

const ROUNDS = times("GODWIT_TEST_BACKFILL", 1);
const ROWS = 400;

const BY_STATEMENT = (header: string) => `-- godwit: backfill table=rows ${header}
-- godwit: where not done
update rows r set value = r.value * 2 + 1, touched = r.touched + 1, done = true where :window(r) and not r.done;
`;
const BY_FUNCTION = (key: readonly string[], most: number) => `import { backfill } from "godwit";
export default backfill({ table: "rows", key: ${JSON.stringify(key)}, minRows: 1, maxRows: ${most}, where: "not done",
  columns: ["value", "touched"],
  rows: (rows) => rows.map(({ value, touched }) => ({ value: value * 2 + 1, touched: touched + 1, done: true })),
});
`;

describe.each(Object.entries(KEYS))("a backfill by %s", (kind, { columns, values }) => {
  test("every row as one UPDATE leaves it, and touched once", async ({ db }) => {
    const random = chanceFor(`backfill as one UPDATE, by ${kind}`);
    const seen = { runs: 0, cut: 0, again: 0 };
    for (let round = 0; round < ROUNDS; round++)
      await goThrough(db, random.of(round), { columns, values, seen });
    console.info(
      `${kind}: ${seen.runs} runs, ${seen.cut} cut, ${seen.again} times through the whole table again`,
    );
  });
});

async function goThrough(
  db: TestDatabase,
  random: Chance,
  {
    columns,
    values,
    seen,
  }: {
    readonly columns: readonly string[];
    readonly values: string;
    readonly seen: { runs: number; cut: number; again: number };
  },
): Promise<void> {
  const names = columns.map((column) => column.split(" ")[0] ?? "");
  const isPartitioned = names.includes("region");
  await db.sql(`drop table if exists rows; drop schema if exists "${ledgerSchema}" cascade;
create table rows (${columns.join(", ")}, n int not null, origin int not null, value int not null, hits int not null default 0,
  touched int not null default 0, done bool not null default false, primary key (${names.join(", ")}))${
    isPartitioned
      ? ` partition by list (region);
${[0, 1, 2].map((region) => `create table rows_${region} partition of rows for values in (${region});`).join("\n")}`
      : ""
  };
create index on rows (n);
insert into rows select ${values}, n, n, n from generate_series(1, ${ROWS}) n; analyze rows;`);
  const most = random.int(1, 70);
  const byFunction = random.chance(0.4);
  const header = `key=${names.join(",")} min-rows=${random.int(1, most)} max-rows=${most}`;
  const folder = folderOf(
    byFunction ? { "0001_fill.ts": BY_FUNCTION(names, most) } : { "0001_fill.sql": BY_STATEMENT(header) },
  );
  const target = targetOf({ url: db.url, folder });
  const writer = createWriter(db, random.of(1), { names, values });
  for (let tries = 0, done = false; !done; tries++) {
    expect(tries).toBeLessThan(300);
    const after = random.int(1, 10);
    const cuts = random.chance(0.4);
    let windows = 0;
    const recorded = recorder((event) => {
      if (event.kind !== "backfill-progress" || ++windows !== after) return;
      // What is running is cut off; or the run is asked to end.
      if (cuts) void writer.cut().then(() => seen.cut++);
      else recorded.abort(new Error("ended by the test"));
    });
    const ending = up(target, recorded).then(
      () => ({ done: true, code: null }),
      (error: unknown) => {
        if (error instanceof GodwitError) return { done: false, code: error.code };
        if (recorded.signal.aborted) return { done: false, code: null };
        throw error;
      },
    );
    const ended = await writer.until(ending);
    done = ended.done;
    seen.runs++;
    if (ended.code === "BACKFILL_REMAINDER") seen.again++;
    // Rows that were given other keys behind its position, or inserted there, are found at the end.
    if (ended.code === "BACKFILL_REMAINDER")
      await repair(
        target,
        { kind: "retry", revision: "0001_fill", position: null },
        { confirm: db.name },
        recorder(),
      );
  }
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
}

/** An application beside it: what it wrote is known, and must be there in the end. */
function createWriter(
  db: TestDatabase,
  random: Chance,
  { names, values }: { readonly names: readonly string[]; readonly values: string },
) {
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
    } else {
      await db.sql(`update rows set hits = hits + 1 where n = ${n}`);
      hits.set(n, (hits.get(n) ?? 0) + 1);
    }
  };
  return {
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
