import { expect, test } from "vitest";
import type { Attribute, SchemaObject, SchemaSnapshot } from "../schema/snapshot.ts";
import { failuresOnRows } from "./on-rows.ts";
import { harmless } from "./statement.ts";

type Attributes = Readonly<Record<string, Attribute>>;

const T = 'public."T t"';
const schema = (...objects: readonly SchemaObject[]): SchemaSnapshot => ({
  format: 1,
  server: 180_004,
  objects,
});
const object = (
  kind: string,
  name: string,
  attributes: Attributes,
  parents: readonly string[] = [`table ${T}`],
): SchemaObject => ({ kind, name, parents, attributes });
const table = object("table", T, {}, []);
const column = (name: string, attributes: Attributes = {}) =>
  object("column", `${T}.${name}`, { type: "integer", ...attributes });
const constraint = (definition: string, name = "k", more: readonly string[] = []) =>
  object("constraint", `${T}.${name}`, { definition }, [`table ${T}`, ...more]);
const index = (definition: string, attributes: Attributes = {}, more: readonly string[] = []) =>
  object("index", "public.i", { definition, ...attributes }, [`table ${T}`, ...more]);
const adds = (name: string, rest = "") => `ALTER TABLE "public"."T t" ADD COLUMN "${name}" integer${rest}`;
const there = schema(table, column("a"));
const failures = (from: SchemaSnapshot, to: SchemaSnapshot, statements: readonly string[] = []) =>
  failuresOnRows(statements.map(harmless), { from, to });

const ALIKE = "let no two rows have the same values there first";

test.each<[definition: string, failure: string | null]>([
  ["UNIQUE (a)", `UNIQUE constraint ${T}.k is added: ${ALIKE}`],
  ["PRIMARY KEY (a)", `PRIMARY KEY constraint ${T}.k is added: ${ALIKE}`],
  ["CHECK ((a > 0))", `CHECK constraint ${T}.k is added: let each row fulfil it first`],
  ["CHECK ((a > 0)) NOT VALID", null],
  ["CHECK ((a > 0)) NOT ENFORCED", null],
  [
    "FOREIGN KEY (a) REFERENCES u(id)",
    `FOREIGN KEY constraint ${T}.k is added: let each row refer to one that is there first`,
  ],
  ["FOREIGN KEY (a) REFERENCES u(id) NOT VALID", null],
  ["EXCLUDE USING gist (a WITH &&)", `EXCLUDE constraint ${T}.k is added: let no two rows conflict first`],
])("%s is new", (definition, failure) => {
  const to = schema(table, column("a"), constraint(definition));
  expect(failures(there, to)).toEqual(failure === null ? [] : [failure]);
  expect(failures(to, to)).toEqual([]);
  // A new table, one that is made again, and a foreign table, whose rows nobody reads.
  expect(failures(schema(), to)).toEqual([]);
  expect(failures(there, to, ['DROP TABLE "public"."T t"'])).toEqual([]);
  expect(failures(schema(object("foreign table", T, {}, [])), to)).toEqual([]);
});

test.each<[name: string, before: SchemaObject, after: SchemaObject, isHeld: boolean]>([
  ["another name", constraint("UNIQUE (a)"), constraint("UNIQUE (a)", "other"), true],
  ["a key of what was unique", constraint("UNIQUE (a)"), constraint("PRIMARY KEY (a)"), true],
  [
    "a constraint of a unique index",
    index(`CREATE UNIQUE INDEX i ON ${T} USING btree (a)`),
    constraint("UNIQUE (a)"),
    true,
  ],
  [
    "an index with a condition",
    index(`CREATE UNIQUE INDEX i ON ${T} USING btree (a) WHERE (a > 0)`),
    constraint("UNIQUE (a)"),
    false,
  ],
  [
    "an invalid index",
    index(`CREATE UNIQUE INDEX i ON ${T} USING btree (a)`, { valid: "invalid" }),
    constraint("UNIQUE (a)"),
    false,
  ],
  ["deferrable", constraint("UNIQUE (a)"), constraint("UNIQUE (a) DEFERRABLE INITIALLY DEFERRED"), true],
  ["nulls that are alike", constraint("UNIQUE (a)"), constraint("UNIQUE NULLS NOT DISTINCT (a)"), false],
  [
    "the same check of another type",
    constraint("CHECK (((a)::text = ANY ((ARRAY['x'::character varying])::text[])))"),
    constraint("CHECK ((a = ANY (ARRAY['x'::text])))"),
    false,
  ],
  [
    "the same check with a cast less",
    constraint("CHECK (((a)::text <> ''::text))"),
    constraint("CHECK ((a <> ''::text))"),
    true,
  ],
  [
    "another word after a cast",
    constraint("CHECK ((((a)::text = b) AND c))"),
    constraint("CHECK ((((a)::text = b) OR c))"),
    false,
  ],
  ["a stricter check", constraint("CHECK ((a > 0))"), constraint("CHECK ((a > 9))"), false],
  [
    "another action",
    constraint("FOREIGN KEY (a) REFERENCES u(id)"),
    constraint("FOREIGN KEY (a) REFERENCES u(id) ON UPDATE CASCADE ON DELETE SET NULL"),
    true,
  ],
  [
    "all columns or none",
    constraint("FOREIGN KEY (a) REFERENCES u(id)"),
    constraint("FOREIGN KEY (a) REFERENCES u(id) MATCH FULL"),
    false,
  ],
])("what was so before holds: %s", (_, before, after, isHeld) => {
  const from = schema(table, column("a"), before);
  expect(failures(from, schema(table, column("a"), after))).toHaveLength(isHeld ? 0 : 1);
});

test("a constraint that becomes valid", () => {
  const from = schema(table, column("a"), constraint("CHECK ((a > 0)) NOT VALID"));
  expect(failures(from, schema(table, column("a"), constraint("CHECK ((a > 0))")))).toEqual([
    `CHECK constraint ${T}.k becomes valid: let each row fulfil it first`,
  ]);
});

test("a unique index, but not one that a constraint or a parent says it of", () => {
  const definition = `CREATE UNIQUE INDEX i ON ${T} USING btree (a)`;
  const said = [`UNIQUE index public.i is added: ${ALIKE}`];
  const to = (...objects: readonly SchemaObject[]) => schema(table, column("a"), ...objects);
  expect(failures(there, to(index(definition)))).toEqual(said);
  expect(failures(there, to(index(definition.replace("UNIQUE ", ""))))).toEqual([]);
  const key = constraint("UNIQUE (a)");
  expect(failures(there, to(key, index(definition, {}, [`constraint ${T}.k`])))).toHaveLength(1);
  const view = { ...index(definition), parents: ["materialized view public.v"] };
  const rows = schema(object("materialized view", "public.v", {}, []));
  expect(failures(rows, schema(...rows.objects, view))).toEqual(said);
});

test.each<[definition: string, column: Attributes, rest: string, fails: boolean]>([
  ["FOREIGN KEY (n) REFERENCES u(a)", {}, "", false],
  ["FOREIGN KEY (n) REFERENCES u(id)", { default: "1" }, " DEFAULT 1", true],
  ["FOREIGN KEY (n, a) REFERENCES u(id, n)", {}, "", false],
  ["FOREIGN KEY (n, a) REFERENCES u(id, n) MATCH FULL", {}, "", true],
  ["FOREIGN KEY (a) REFERENCES u(n)", {}, "", true],
  ["UNIQUE (n)", {}, "", false],
  ["UNIQUE (n)", { default: "1" }, " DEFAULT 1", true],
  ["UNIQUE NULLS NOT DISTINCT (n)", {}, "", true],
  ["PRIMARY KEY (n)", { identity: "always" }, " GENERATED ALWAYS AS IDENTITY", false],
  ["PRIMARY KEY (n)", { default: "nextval('s'::regclass)" }, " DEFAULT nextval('s'::regclass)", false],
  ["PRIMARY KEY (n)", { default: "gen_random_uuid()" }, " DEFAULT gen_random_uuid()", false],
  ["CHECK ((n > 0))", {}, "", false],
  ["CHECK ((n = ANY (ARRAY['a'::text])))", { default: "1" }, " DEFAULT 1", false],
  ["CHECK ((n IS NOT NULL))", {}, "", true],
  ["CHECK ((n > a))", {}, "", true],
])("a column that comes with %s, as %s", (definition, attributes, rest, fails) => {
  const to = schema(table, column("a"), column("n", attributes), constraint(definition));
  expect(failures(there, to, [adds("n", rest)])).toHaveLength(fails ? 1 : 0);
});

test("a constraint of partitions is said once, of their parent", () => {
  const part = object("table", "public.p", { "partition bound": "DEFAULT", inherits: [T] }, []);
  const own = {
    ...object("constraint", "public.p.k", { definition: "UNIQUE (a)" }),
    parents: ["table public.p", `constraint ${T}.k`],
  };
  const from = schema(table, part, column("a"));
  const to = schema(table, part, column("a"), constraint("UNIQUE (a)"), own);
  expect(failures(from, to)).toEqual([`UNIQUE constraint ${T}.k is added: ${ALIKE}`]);
  // The parent is new: it has no rows, but the partition has some.
  expect(failures(schema(part), to)).toEqual([`UNIQUE constraint public.p.k is added: ${ALIKE}`]);
});

test("a table that becomes a partition, also beside a default one", () => {
  const part = (name: string, bound?: string) =>
    object("table", name, bound === undefined ? {} : { "partition bound": bound, inherits: [T] }, []);
  const rest = part("public.rest", "DEFAULT");
  expect(
    failures(schema(table, part("public.p")), schema(table, part("public.p", "FOR VALUES IN (1)"))),
  ).toEqual(["table public.p becomes a partition: let each row fit its bound first"]);
  expect(failures(schema(table), schema(table, part("public.p", "FOR VALUES IN (1)")))).toEqual([]);
  const to = schema(table, rest, part("public.p", "FOR VALUES IN (1)"));
  expect(failures(schema(table, rest), to)).toEqual([
    "table public.p becomes a partition: let the default partition public.rest have no row that belongs there first",
  ]);
  expect(failures(to, to)).toEqual([]);
});

test("a domain that gets a constraint, if a column has it", () => {
  const domain = object("type", "public.d", { "base type": "integer" }, []);
  const check = (definition: string, name = "public.d.c") =>
    object("domain constraint", name, { definition }, ["type public.d"]);
  const from = schema(table, domain, column("a", { type: "public.d" }));
  const to = (one: SchemaObject) => schema(...from.objects, one);
  const said = ["domain constraint public.d.c is added: let each value of the domain fulfil it first"];
  expect(failures(from, to(check("CHECK ((VALUE > 0))")))).toEqual(said);
  expect(failures(from, to(check("CHECK ((VALUE > 0)) NOT VALID")))).toEqual([]);
  expect(failures(to(check("CHECK ((VALUE > 0))", "public.d.b")), to(check("CHECK ((VALUE > 0))")))).toEqual(
    [],
  );
  expect(failures(schema(table, domain), to(check("CHECK ((VALUE > 0))")))).toEqual([]);
});
