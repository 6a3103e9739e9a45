/** What the rows of a table have to fulfil from then on: keys, checks, references, exclusions, and the bounds of partitions. Pure. */
import { identity, type SchemaObject } from "../schema/snapshot.ts";
import { columnOf, tableOf, texts } from "./change.ts";
import { usersOf } from "./on-rows-columns.ts";
import { hasValue, isFresh, type RowRule, type RowScene } from "./row-scene.ts";

export const constraintRules: Readonly<Record<string, readonly RowRule[]>> = {
  constraint: [refusesRows],
  index: [refusesRows],
  "domain constraint": [refusesValues],
  table: [becomesPartition],
};

/** What is to be done first, by how the definition begins. */
const FIRST: Readonly<Record<string, string>> = {
  UNIQUE: "let no two rows have the same values there first",
  "PRIMARY KEY": "let no two rows have the same values there first",
  CHECK: "let each row fulfil it first",
  "FOREIGN KEY": "let each row refer to one that is there first",
  EXCLUDE: "let no two rows conflict first",
};

function refusesRows(object: SchemaObject, scene: RowScene): readonly string[] {
  const { from, before, after, hasRows } = scene;
  const { kind, name, parents } = object;
  const table = tableOf(name, object);
  const form = formOf(object);
  if (form === null || !hasRows(table)) return [];
  const earlier = before.get(identity(object));
  // Most of them: the rest looks at all objects.
  const isThere = earlier !== undefined && formOf(earlier) === form;
  if (isThere && earlier.attributes.definition === object.attributes.definition) return [];
  if (isByItsColumns(object, { form, table, scene })) return [];
  // The constraint says it of its index, and the parent of its partitions.
  const above = parents.map((one) => after.get(one)).filter((one) => one !== undefined);
  if (kind === "index" && above.some((one) => one.kind === "constraint")) return [];
  if (above.some((one) => one.kind === kind && refusesRows(one, scene).length > 0)) return [];
  const core = coreOf(object);
  const isHeld = from.objects.some(
    (one) => formOf(one) !== null && coreOf(one) === core && tableOf(one.name, one) === table,
  );
  if (isHeld) return [];
  const isValidated = earlier !== undefined && formOf(earlier) === null && coreOf(earlier) === core;
  return [`${form} ${kind} ${name} ${isValidated ? "becomes valid" : "is added"}: ${FIRST[form]}`];
}

/** Such as `UNIQUE`. `null`: no row fails it. */
function formOf({ kind, attributes }: SchemaObject): string | null {
  const definition = String(attributes.definition);
  if (kind === "index")
    return /^CREATE UNIQUE /.test(definition) && attributes.valid === undefined ? "UNIQUE" : null;
  if (kind !== "constraint" && kind !== "domain constraint") return null;
  if (/ NOT (?:VALID|ENFORCED)$/.test(definition)) return null;
  return /^(?:UNIQUE|PRIMARY KEY|CHECK|FOREIGN KEY|EXCLUDE)/.exec(definition)?.[0] ?? null;
}

const CAST =
  /::(?:character varying|bit varying|double precision|time(?:stamp)? with(?:out)? time zone|\w+)(?:\(\d+\))?(?:\[\])?/g;

/** What the definition says of rows: alike for a key and a unique index, and whatever happens when a row is deleted. */
function coreOf({ attributes }: SchemaObject): string {
  const text = String(attributes.definition)
    .replace(/^PRIMARY KEY/, "UNIQUE")
    .replace(/^CREATE UNIQUE INDEX .+? USING btree/s, "UNIQUE")
    .replace(/(?: (?:DEFERRABLE|INITIALLY DEFERRED|NO INHERIT|NOT VALID|NOT ENFORCED))+$/, "");
  const bare = text.startsWith("FOREIGN KEY")
    ? text.replace(
        / ON (?:DELETE|UPDATE) (?:CASCADE|RESTRICT|NO ACTION|SET (?:NULL|DEFAULT)(?: \(.*\))?)/g,
        "",
      )
    : text.startsWith("UNIQUE")
      ? text.replace(/ (?:DESC|NULLS (?:FIRST|LAST)|(?:INCLUDE|WITH) \([^)]*\))/g, "")
      : text;
  // Casts follow the types of columns: what is checked stays the same.
  return bare.replace(CAST, "").replace(/\(("(?:[^"]|"")+"|\w+)\)/g, "$1");
}

interface OnTable {
  readonly form: string;
  readonly table: string;
  readonly scene: RowScene;
}

/** Whether all rows fulfil it because of columns that are added with it: these are NULL, or count up. */
function isByItsColumns({ attributes }: SchemaObject, { form, table, scene }: OnTable): boolean {
  const definition = String(attributes.definition);
  const own = form === "FOREIGN KEY" ? (definition.split(" REFERENCES ")[0] ?? "") : definition;
  const words = new Set(own.match(/'(?:[^']|'')*'|"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*/gu));
  const columns = scene.to.objects.filter((one) => {
    const { table: its, column } = columnOf(one.name, one);
    return one.kind === "column" && its === table && words.has(column);
  });
  const fresh = columns.filter((column) => isFresh(column, scene));
  if (form === "CHECK")
    // Its default is taken to fulfil it: otherwise no later row would.
    return fresh.length > 0 && fresh.length === columns.length && !/ IS NOT NULL/.test(definition);
  if (form === "FOREIGN KEY" && / MATCH FULL/.test(definition)) return false;
  if (form === "UNIQUE" && / NULLS NOT DISTINCT/.test(definition)) return fresh.some(isCounting);
  return fresh.some((column) => !hasValue(column, scene) || (form !== "FOREIGN KEY" && isCounting(column)));
}

/** Each row gets another value. */
function isCounting({ attributes }: SchemaObject): boolean {
  const { identity: numbered, default: own } = attributes;
  return numbered !== undefined || /^(?:\w+\.)?(?:nextval|gen_random_uuid|uuid\w*)\(/.test(String(own));
}

function refusesValues(constraint: SchemaObject, { from, before, hasRows }: RowScene): readonly string[] {
  if (formOf(constraint) === null) return [];
  const core = coreOf(constraint);
  const domains = constraint.parents.map((one) => /^type (.*)$/s.exec(one)?.[1] ?? "");
  const isHeld = from.objects.some(
    (one) =>
      one.kind === constraint.kind &&
      one.parents.includes(`type ${domains[0]}`) &&
      formOf(one) !== null &&
      coreOf(one) === core,
  );
  const isUsed = () => domains.some((one) => usersOf(one, from.objects, before).some(hasRows));
  return isHeld || !isUsed()
    ? []
    : [`domain constraint ${constraint.name} is added: let each value of the domain fulfil it first`];
}

function becomesPartition(table: SchemaObject, { from, before, hasRows }: RowScene): readonly string[] {
  const { "partition bound": bound, inherits } = table.attributes;
  const earlier = before.get(identity(table));
  if (bound === undefined || earlier?.attributes["partition bound"] === bound) return [];
  const parents = texts(inherits ?? null);
  const others = from.objects.filter(
    ({ name, attributes }) =>
      attributes["partition bound"] === "DEFAULT" &&
      name !== table.name &&
      texts(attributes.inherits ?? null).some((one) => parents.includes(one)) &&
      hasRows(name),
  );
  return [
    ...(hasRows(table.name) && bound !== "DEFAULT"
      ? [`table ${table.name} becomes a partition: let each row fit its bound first`]
      : []),
    ...others.map(
      ({ name }) =>
        `table ${table.name} becomes a partition: let the default partition ${name} have no row that belongs there first`,
    ),
  ];
}
