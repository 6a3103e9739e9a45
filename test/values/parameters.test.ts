/** Every parameter arrives as what it is, or is refused by name; the same through `up --sql`. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the code of migrations
import { join } from "node:path";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, targetOf, up, writeFiles } from "../support/target.ts";

const body = (code: string) => `export async function up({ sql, query, execute, schema }) {\n${code}\n}\n`;

test("arrays, objects, bytes, dates and big numbers arrive as what they are", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_types.sql": `create domain numbers as int[]; create domain document as jsonb;
create type mood as enum ('ok', 'bad');
create table t (id int, j jsonb, js json, a int[], m mood[], n numbers, d document, ja jsonb[], b bytea, ba bytea[],
  big int8, at timestamptz, local timestamp, day date, f float8, t text);`,
    "migrations/0002_values.js": body(`
  await sql\`insert into t (id, j, js, a, m, n, d, ja) values (1, \${[1, { a: "x" }, [null]]}, \${["{}"]}, \${[[1, 2], [3, null]]}, \${["ok", "bad"]}, \${[7]}, \${[8]}, \${[{ a: 1 }, null, "[2]"]})\`;
  await sql\`insert into t (id, b, ba, big, at, local, day, f, t) values (2, \${new Uint8Array([0, 255])}, \${[Buffer.from("é")]},
    \${2n ** 62n}, \${new Date("2024-03-31T01:30:00.123Z")}, \${new Date("2024-03-31T01:30:00.123Z")}, \${new Date("2024-03-31T23:30:00Z")}, \${-0}, \${"a\\\\b'c"})\`;
  await query("insert into t (id, at, a) values ($1, $2, $3)", [3, new Date(Date.UTC(-43, 2, 15)), []]);
  await query("insert into t (id, j) values ($1, $2)", ["4", { big: 9007199254740993n, at: new Date(0) }]);
  await sql\`update t set t = 'found' where id = any (\${[3, 4]})\`;
  await sql\`insert into t (id) select unnest(\${Array.from({ length: 100_000 }, (_, i) => i + 10)}::int[])\`;
`),
  });
  await commandIn({ folder, url: db.url, env: { TZ: "America/New_York" } })("up");
  await db.sql("set timezone to 'UTC'");
  const rows = await db.sql("select row_to_json(x) as t from t x where id < 10 order by id");
  expect(
    rows.map(({ t }) => Object.fromEntries(Object.entries(t as object).filter(([, v]) => v !== null))),
  ).toEqual([
    {
      id: 1,
      j: [1, { a: "x" }, [null]],
      js: ["{}"],
      a: [
        [1, 2],
        [3, null],
      ],
      m: ["ok", "bad"],
      n: [7],
      d: [8],
      ja: [{ a: 1 }, null, [2]],
    },
    {
      ...{
        id: 2,
        b: "\\x00ff",
        ba: ["\\xc3a9"],
        big: 2 ** 62,
        at: "2024-03-31T01:30:00.123+00:00",
      },
      ...{ local: "2024-03-31T01:30:00.123", day: "2024-03-31", f: -0, t: "a\\b'c" },
    },
    { id: 3, at: "0044-03-15T00:00:00+00:00 BC", a: [], t: "found" },
    { id: 4, j: { big: 2 ** 53, at: "1970-01-01T00:00:00.000Z" }, t: "found" },
  ]);
  expect(await db.sql("select j->>'big' as big from t where id = 4")).toEqual([{ big: "9007199254740993" }]);
  expect(await db.sql("select count(*)::int as n from t where id >= 10")).toEqual([{ n: 100_000 }]);
});

const REFUSED: readonly (readonly [code: string, message: RegExp])[] = [
  ["const row = {};\n  await sql`update t set name = ${row.nmae}`;", /parameter 1 is undefined/],
  ['await query("select $1::int, $2::text", [1, undefined])', /parameter 2 is undefined/],
  ["await sql`update t set data = ${{ a: [1, undefined] }}`", /parameter 1\.a\[1\] is undefined/],
  ["await sql`select ${[1, undefined]}::int[]`", /parameter 1\[1\] is undefined/],
  ["await sql`update t set data = ${{ a: { b: NaN } }}`", /parameter 1\.a\.b is NaN/],
  ["await sql`update t set name = ${new Date('x')}`", /parameter 1 is an invalid date/],
  ["await sql`update t set name = ${Symbol('x')}`", /parameter 1 is a symbol/],
  ["await sql`update t set name = ${() => 1}`", /parameter 1 is a function/],
  ["await sql`update t set data = ${new Map()}`", /parameter 1 is an object of class Map/],
  ["await sql`update t set data = ${{ m: new Set() }}`", /parameter 1\.m is an object of class Set/],
  ["await sql`update t set name = ${sql`select 1`}`", /parameter 1 is a promise/],
  ["await sql`update t set name = ${['a']}`", /parameter 1 is an array, and the statement takes neither/],
  ["await sql`update t set name = ${'\\ud83d'}`", /half of a surrogate pair/],
  [
    "await sql`select ${Buffer.from([1])}::int`",
    /parameter 1 is bytes, and the statement does not take bytea/,
  ],
  ["await sql`select ${new Uint8Array(1)}::boolean`", /parameter 1 is bytes/],
  ["await sql`update t set name = ${new ArrayBuffer(4)}`", /parameter 1 is bytes/],
  ["await sql`select ${new DataView(new ArrayBuffer(4))}::int4`", /parameter 1 is bytes/],
  ["await sql`select ${[Buffer.from('a')]}::text[]`", /parameter 1\[0\] is bytes/],
  ["await sql`select ${new Uint16Array([1, 2])}::int`", /parameter 1 is an array/],
  ["await sql`select ${{}}::text[]`", /parameter 1 is an object, and the statement takes an array/],
  ["await execute('set array_nulls = off');  await sql`select ${['a', null]}::text[]`", /array_nulls = off/],
  ["try { await sql`select nope` } catch {}  await sql`select 1`", /column "nope" does not exist/],
  ["await sql`select 1; select 2`", /One call runs one statement/],
  ['await query("select 1; select 2")', /One call runs one statement/],
  ['await execute("update t set name = $1", ["x"])', /execute was given parameters/],
  [
    "await execute('set extra_float_digits = 0');  await sql`select 0.1::float8`",
    /the server rounds the floats/,
  ],
  [
    "await query(`select 1 where 1 in (${Array.from({ length: 70000 }, (_, i) => `$${i + 1}`)})`, Array(70000).fill(1))",
    /70000 parameters, and PostgreSQL takes 65535/,
  ],
  [
    'await schema.alterTable("t").addColumn("at", "timestamptz", (c) => c.defaultTo("now()")).execute()',
    /defaultTo\("now\(\)"\) is a text/,
  ],
  [
    'await schema.alterTable("t").alterColumn("name", (c) => c.setDefault("gen_random_uuid()")).execute()',
    /defaultTo\("gen_random_uuid\(\)"\) is a text/,
  ],
  [
    'await schema.alterTable("t").addColumn("n", "int4", (c) => c.defaultTo(undefined)).execute()',
    /in defaultTo, is undefined/,
  ],
  ...(["{ a: 1 }", "[1, 2]", "Buffer.from('a')", "NaN", "sql`select 1`"] as const).map(
    (value) =>
      [
        `await schema.createTable("u").addColumn("n", "jsonb", (c) => c.defaultTo(${value})).execute()`,
        /in defaultTo, is (?:an? |NaN)/,
      ] as const,
  ),
];

test("what would not arrive as what it is is refused by name, with its place and what to write", async ({
  db,
}) => {
  const folder = folderOf({ "migrations/0001_t.sql": "create table t (name text, data jsonb);" });
  const target = targetOf({ url: db.url, folder: join(folder, "migrations") });
  await up(target);
  for (const [code, message] of REFUSED) {
    writeFiles(folder, { "migrations/0002_refused.js": body(`  ${code};`) });
    const [problem] = (await refusalOf(up(target))).problems;
    expect(problem?.message, code).toMatch(message);
    expect(problem?.hint, code).toBeTruthy();
    const line = code.startsWith("const") ? 3 : 2;
    expect(problem?.place, code).toMatchObject({ file: "0002_refused.js", line });
  }
});

test("the hints work: an expression as a default, undefined as null, a list as one array", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_hints.js": body(`
  await schema.createTable("t").addColumn("id", "int8").addColumn("at", "timestamptz", (c) => c.notNull().defaultTo(sql.raw("clock_timestamp()")))
    .addColumn("name", "text", (c) => c.defaultTo("today (was yesterday)")).addColumn("word", "text", (c) => c.defaultTo("now"))
    .addCheckConstraint("positive", sql.raw("id > 0")).execute();
  await schema.createView("v").as(sql.raw("select 1 as one")).execute();
  await schema.createIndex("lowered").on("t").expression(sql.raw("lower(name)")).execute();
  await sql\`insert into t (id, word) values (1, \${null})\`;
  await query("insert into t (id) select unnest($1::int8[])", [[2n, 3]]);
`),
  });
  await commandIn({ folder, url: db.url })("up");
  expect(
    await db.sql("select count(distinct at)::int as n, max(name) as name, max(word) as word from t"),
  ).toEqual([{ n: 3, name: "today (was yesterday)", word: "now" }]);
});

test("up --sql writes the same values as literals, and refuses an array whose meaning it cannot know", async ({
  db,
}) => {
  const folder = folderOf({
    "migrations/0001_t.sql":
      "create table t (id int, data jsonb, a text[], b bytea, at timestamptz, name text);",
    "migrations/0002_values.js": body(`
  await sql\`insert into t values (\${1}, \${[1, "$1"]}::jsonb, \${["a'b", null]}::text[], \${Buffer.from([0, 255])}, \${new Date(0)}, '$1' || \${"it's \\\\ ü"})\`;
  await sql\`update t set id = 2 where id = any (\${[1, 5]})\`;
`),
  });
  const script = (await commandIn({ folder })("up", "--sql")).stdout;
  const client = await db.connect();
  await client.query(script.replace(/^\\.*$/gm, ""));
  expect(await db.sql("select id, data, a, b, at, name from t")).toEqual([
    {
      id: 2,
      data: [1, "$1"],
      a: ["a'b", null],
      b: Buffer.from([0, 255]),
      at: new Date(0),
      name: "$1it's \\ ü",
    },
  ]);
  writeFiles(folder, { "migrations/0003_array.js": body("  await sql`update t set a = ${['x']}`;") });
  const refused = await commandIn({ folder }).fails(1, "up", "--sql");
  expect(refused.stderr).toMatch(/0003_array\.js cannot be written as SQL: .*parameter 1 is an array/);
});

test("typed arrays are arrays of numbers, bytes are bytea, and NULL in an array is NULL whatever the database says", async ({
  db,
}) => {
  await db.sql(`alter database "${db.name}" set array_nulls = off`);
  await db.sql(
    "create domain blob as bytea; create table t (i int[], f float8[], b blob, bs bytea[], x text[], y text[])",
  );
  const folder = folderOf({
    "migrations/0001_a.js": body(`
  await sql\`insert into t values (\${new Uint16Array([1, 2])}, \${new Float64Array([0.5])}, \${new Uint8Array([0, 255])}, \${[Buffer.from([7])]}, '{a,NULL}')\`;
  const [{ x }] = await sql\`select x from t\`;
  await sql\`update t set y = \${x}\`;`),
  });
  await commandIn({ folder, url: db.url })("up");
  expect(await db.sql("select i, f, b::text, bs::text, y, array_position(y, null) as at from t")).toEqual([
    { i: [1, 2], f: [0.5], b: "\\x00ff", bs: '{"\\\\x07"}', y: ["a", null], at: 2 },
  ]);
});

test("texts stay what they are when a module sets another client encoding", async ({ db }) => {
  await db.sql("create table t (id int, name text)");
  const folder = folderOf({
    "migrations/0001_a.js": body(`
  await execute("set client_encoding = 'LATIN9'");
  await sql\`insert into t values (1, \${"é€"})\`;
  await query("select set_config('client_encoding', 'LATIN1', true)");
  const [{ name }] = await sql\`select name from t\`;
  await execute("savepoint a; set client_encoding = 'LATIN9'");
  await execute("rollback to a");
  await sql\`insert into t values (2, \${name}), (3, 'ü')\`;`),
  });
  await commandIn({ folder, url: db.url })("up");
  expect(await db.sql("select name from t order by id")).toEqual(["é€", "é€", "ü"].map((name) => ({ name })));
});
