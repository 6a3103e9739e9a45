/** What differs between a copy of a schema and the schema, and which relations it makes uncertain. Pure. */
import type { SchemaDifference } from "../schema/compare.ts";
import { type Attribute, identity, type SchemaSnapshot } from "../schema/snapshot.ts";

export interface Gaps {
  /** One for each, for people. */
  readonly words: readonly string[];
  /** What is missing, such as `extension vector`: statements may fail by it. */
  readonly missing: readonly string[];
  /** Tables, views and indexes that are not all that they are in the schema, or that have a part that is not. */
  readonly relations: ReadonlySet<string>;
  /** Those that are missing as a whole. */
  readonly absent: ReadonlySet<string>;
}

/** Locks, scans and rewrites do not depend on these. */
const WITHOUT_EFFECT = new Set(["owner", "privileges", "comment", "security labels", "version"]);

/** `differences`: from the copy to `desired`. */
export function gapsOf(differences: readonly SchemaDifference[], desired: SchemaSnapshot): Gaps {
  const parents = new Map(desired.objects.map((object) => [identity(object), object.parents]));
  const words: string[] = [];
  const missing: string[] = [];
  const relations = new Set<string>();
  const absent = new Set<string>();
  for (const { change, kind, name, attributes } of differences) {
    const counting = attributes.filter(({ attribute }) => !WITHOUT_EFFECT.has(attribute));
    if (change === "changed" && counting.length === 0) continue;
    const own = identity({ kind, name });
    if (change === "added") {
      missing.push(own);
      words.push(`${own} could not be copied`);
    } else if (change === "removed") words.push(`${own} is only in the copy`);
    else
      for (const { attribute, from, to } of counting)
        words.push(`${own}: ${attribute} is ${shown(to)}, in the copy ${shown(from)}`);
    for (const one of [own, ...(parents.get(own) ?? [])]) {
      const relation = RELATION.exec(one)?.[1];
      if (relation === undefined) continue;
      relations.add(unquoted(relation));
      if (change === "added" && one === own) absent.add(unquoted(relation));
    }
  }
  return { words, missing, relations, absent };
}

const RELATION = /^(?:table|view|materialized view|foreign table|index|sequence) (.+)$/s;
const LONGEST = 80;

function shown(value: Attribute): string {
  if (value === null || value === false) return "not set";
  if (value === true) return "set";
  const text = typeof value === "object" ? `[${value.join(", ")}]` : String(value);
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** `public."Some table"` as `public.Some table`. */
function unquoted(name: string): string {
  return name.replace(/"((?:[^"]|"")*)"/g, (_, inner: string) => inner.replaceAll('""', '"'));
}
