/** A row that a TypeScript migration reads and writes back is the row, for every type that PostgreSQL has. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

/** Column type → values, as SQL. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  bool: ["true", "false"],
  int2: ["-32768"],
  int4: ["2147483647"],
  int8: ["9223372036854775807", "-9007199254740993"],
  oid: ["4294967295"],
  numeric: ["0.10", "'NaN'", "1e-30", "123456789012345678901234567890.1234567890"],
  float4: ["'0.1'", "'-0'", "'Infinity'", "'1e-45'"],
  float8: [
    "0.1::float8 + 0.2::float8",
    "'-0'",
    "'NaN'",
    "'-Infinity'",
    "'5e-324'",
    "'1.7976931348623157e308'",
  ],
  money: ["'12.34'"],
  text: ["'ü😀 \\ \"quoted\" ''single'''", "''", "'NULL'"],
  bpchar: ["'a  '"],
  '"char"': ["'a'"],
  name: ["'größe'"],
  bytea: ["'\\x00ff5c27'", "''"],
  date: ["'0001-01-01 BC'", "'10000-12-31'", "'infinity'", "'1883-11-18'"],
  time: ["'24:00'", "'12:00:00.123456'"],
  timetz: ["'23:59:59.999999+15:59'"],
  timestamp: ["'0044-03-15 12:00:00.000001 BC'", "'294276-12-31 23:59:59.999999'", "'-infinity'"],
  timestamptz: ["'1800-01-01 00:00:00.123456+00'", "'2024-03-31 01:59:59.999999+01'", "'infinity'"],
  interval: ["'-1 years 2 mons -3 days 04:05:06.000007'", "'1 mon -30 days'", "'-0.000001 sec'"],
  json: ['\'{"b":  1.10, "b": 2, "2": 9007199254740993, "1": "ü"}\'', "'null'", "'\"text\"'", "'1.0'"],
  jsonb: ['\'{"a": 0.10, "n": 9007199254740993, "x": [1e400, "\\u00fc"]}\'', "'null'", "'\"\"'", "'[]'"],
  xml: ["'<a b=\"ü\"/>'"],
  uuid: ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"],
  inet: ["'::1/64'"],
  cidr: ["'10.0.0.0/8'"],
  macaddr: ["'08:00:2b:01:02:03'"],
  "bit(3)": ["B'101'"],
  varbit: ["B''"],
  tsvector: ["'fat:2 rat:3A ''a b'':1'"],
  tsquery: ["'fat & !rat'"],
  point: ["'(0.1,-0)'"],
  box: ["'(1,1),(0,0)'"],
  circle: ["'<(0.1,2),3>'"],
  path: ["'[(0,0),(1,1)]'"],
  int4range: ["'[1,10)'", "'empty'"],
  tstzrange: ["'[2024-01-01 00:00:00.000001+00,)'"],
  nummultirange: ["'{[0.10,1),(5,)}'"],
  pg_lsn: ["'16/B374D848'"],
  mood: ["'so so'"],
  pair: ["row(1, 'a,\"b')::pair", "row(null, '')::pair"],
  positive: ["3"],
  "int4[]": ["'{}'", "'{1,NULL,3}'", "'{{1,2},{3,4}}'", "'[0:1]={1,2}'", "'[-1:0][5:6]={{1,2},{3,4}}'"],
  "text[]": ['\'{"a,b","NULL",NULL,"","\\\\ \\"","{x}","ü"}\''],
  "int8[]": ["'{9007199254740993}'"],
  "numeric[]": ["'{0.10,NaN}'"],
  "float8[]": ["'{0.1,-0,NaN,Infinity}'"],
  "bool[]": ["'{t,f,NULL}'"],
  "bytea[]": ["array['\\x00ff'::bytea, null]"],
  "date[]": ["'{infinity,0001-01-01 BC}'"],
  "timestamptz[]": ["'{\"2024-01-01 00:00:00.123456+00\"}'"],
  "interval[]": ["'{1 mon,\"-1 days 00:00:00.000001\"}'"],
  "jsonb[]": ["array['{\"a\": 0.10}'::jsonb, null, '[1, \"x\"]'::jsonb]"],
  "json[]": ["array['[1 ,  2.0]'::json]"],
  "point[]": ["'{\"(1,2)\"}'"],
  "box[]": ["'{(1,1),(0,0);(2,2),(1,1)}'"],
  "mood[]": ["'{\"so so\",ok}'"],
  "pair[]": ["array[row(1, 'x')::pair]"],
};

const TYPES = `create type mood as enum ('so so', 'ok');
create type pair as (a int, b text);
create domain positive as int check (value > 0);`;

/** Reads every row of `source_…` and writes it into `copy_…`. */
const COPY = `export async function up({ sql, query, execute }) {
  await execute(SETTINGS);
  for (const { name } of await sql\`select relname::text as name from pg_class where relname like 'source_%' order by 1\`) {
    const copy = sql.identifier(name.replace("source", "copy"));
    for (const { id, v } of await sql\`select id, v from \${sql.identifier(name)}\`)
      await sql\`insert into \${copy} (id, v) values (\${id}, \${v})\`;
    const { rows } = await query(\`select id, v from \${name} order by id\`);
    const held = await query(\`select count(*)::int as n from \${name} where v::text = any ($1)\`, [rows.map(({ v }) => typeof v === "string" ? v : "")]);
    if (held.rowCount !== 1) throw new Error("one row");
  }
}`;

const SETTINGS = {
  "as they are": "select 1",
  "as the migration sets them":
    "set datestyle to 'SQL, DMY'; set intervalstyle to 'sql_standard'; set timezone to 'America/New_York'; set bytea_output to 'escape'",
  "in another style":
    "set datestyle to 'German'; set intervalstyle to 'iso_8601'; set timezone to 'Asia/Kathmandu'; set xmloption to 'content'",
};

for (const [how, settings] of Object.entries(SETTINGS))
  test(`a row read and written back is the row, with settings ${how}`, async ({ db }) => {
    const tables = Object.entries(VALUES).map(
      ([type, values], index) => `create table source_${index} (id int, v ${type});
create table copy_${index} (id int, v ${type});
insert into source_${index} values (0, null), ${values.map((value, id) => `(${id + 1}, ${value})`).join(", ")};`,
    );
    // In this database only: the role is that of all tests.
    await db.sql(`alter role current_user in database ${db.name} set extra_float_digits = 0`);
    const folder = folderOf({
      "migrations/0001_tables.sql": [TYPES, ...tables].join("\n"),
      "migrations/0002_copy.js": COPY.replace("SETTINGS", JSON.stringify(settings)),
    });
    await commandIn({ folder, url: db.url })("up");
    await db.sql(`alter role current_user in database ${db.name} reset all`);
    await db.sql("set extra_float_digits = 1");
    for (const [index, type] of Object.keys(VALUES).entries()) {
      const texts = (name: string) => db.sql(`select id, v::text from ${name}_${index} order by id`);
      expect(await texts("copy"), type).toEqual(await texts("source"));
    }
  });
