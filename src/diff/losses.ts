/** What the statements do not keep. Pure. */
import type { SchemaObject, SchemaSnapshot } from "../schema/snapshot.ts";
import { changed, changesBetween, type SchemaChange, texts } from "./change.ts";
import type { DiffStatement } from "./statement.ts";

interface Sides {
  readonly from: SchemaSnapshot;
  readonly to: SchemaSnapshot;
}

/** One line each, such as `column public.users.name is dropped`. */
export function lossesOf(statements: readonly DiffStatement[], { from, to }: Sides): readonly string[] {
  const losing = statements.filter(({ losesData }) => losesData).map(({ text }) => text);
  const generated = from.objects.filter(isGenerated).map(({ name }) => plain(name));
  const named = losing.filter((text) => !generated.some((name) => drops(text, name)));
  return [...named, ...changesBetween(from, to).flatMap((change) => lostBy(change, named))];
}

/** What is not among the statements that are known to lose something. */
function lostBy(change: SchemaChange, named: readonly string[]): readonly string[] {
  const { kind, name, before } = change;
  if (change.change === "removed") {
    if (!HOLDS_DATA.has(kind) || (before !== undefined && isGenerated(before))) return [];
    const bare = plain(name);
    const isNamed = named.some((text) => plain(text).includes(bare) || drops(text, bare));
    return isNamed ? [] : [`${kind} ${name} is dropped`];
  }
  const type = changed(change, "column", "type");
  const generated = changed(change, "column", "generated");
  const values = changed(change, "type", "values");
  const left = new Set(texts(values?.to ?? null));
  const gone = texts(values?.from ?? null).filter((value) => !left.has(value));
  return [
    ...(type === undefined || isWider(String(type.from), String(type.to))
      ? []
      : [`column ${name}: ${type.from} becomes ${type.to}`]),
    ...(generated?.from === null ? [`column ${name} is generated from then on`] : []),
    ...(gone.length === 0 ? [] : [`type ${name} loses ${gone.join(", ")}`]),
  ];
}

const HOLDS_DATA: ReadonlySet<string> = new Set(["table", "column", "sequence"]);

function isGenerated({ kind, attributes }: SchemaObject): boolean {
  return kind === "column" && attributes.generated !== undefined;
}

function drops(text: string, column: string): boolean {
  const [, table, name] = /^ALTER TABLE (.+) DROP COLUMN (.+)$/s.exec(text) ?? [];
  return table !== undefined && plain(`${table}.${name}`) === column;
}

function plain(name: string): string {
  return name.replace(/"([a-z_][a-z0-9_]*)"/g, "$1");
}

const INTEGERS = ["smallint", "integer", "bigint", "numeric"];
const TEXTS = /^(?:character varying|character|text|citext)/;

/** Every value of the first type is one of the second, and means the same there. */
export function isWider(from: string, to: string): boolean {
  if (INTEGERS.includes(from) && INTEGERS.includes(to)) return INTEGERS.indexOf(from) <= INTEGERS.indexOf(to);
  if (from === "real" && to === "double precision") return true;
  if (to === "text" || to === "character varying")
    return TEXTS.test(from) || /^(?:uuid|integer|bigint|smallint|boolean|json)$/.test(from);
  const [a, b] = [from, to].map((type) => /^character varying\((\d+)\)$/.exec(type)?.[1]);
  if (a !== undefined && b !== undefined) return Number(a) <= Number(b);
  const [p, q] = [from, to].map((type) => /^numeric\((\d+),(\d+)\)$/.exec(type));
  if (p && q)
    return Number(p[2]) <= Number(q[2]) && Number(p[1]) - Number(p[2]) <= Number(q[1]) - Number(q[2]);
  if (/^numeric\(/.test(from) && to === "numeric") return true;
  return from === "date" && to.startsWith("timestamp");
}
