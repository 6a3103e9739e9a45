/** Which relations a statement may lock that can't run in a transaction. The others are expected to be left alone. */
import { accept } from "../core/sql/cursor.ts";
import type { Connection } from "../database/connection.ts";
import { foreignKeysOf, type Relation, type Relations } from "./catalog.ts";

export interface Reach {
  readonly expected: readonly Relation[];
  readonly others: readonly Relation[];
}

/** Those that the text names, by themselves or by an index, and their relatives; or all, where it need not name any. */
export async function reachOf(
  text: string,
  relations: Relations,
  observer: Connection,
  most: number,
): Promise<Reach> {
  const locked = [...relations.values()].filter((relation) => isLocked(text, relation));
  const named = namesAny(text) ? await namedIn(text, relations, observer) : new Set(relations.keys());
  const isExpected = ({ oid, owner }: Relation) => named.has(oid) || (owner !== null && named.has(owner));
  const expected = locked.filter(isExpected).slice(0, most);
  const kept = new Set(expected);
  return { expected, others: locked.filter((relation) => !kept.has(relation)) };
}

/** Whether it can stand in the way of others there. What uses an index locks its table first, except where an index is made again. */
function isLocked(text: string, { kind, isToast, schema }: Relation): boolean {
  if (isToast || schema.startsWith("pg_temp_")) return false;
  if (kind === "index") return accept({ text, at: 0 }, "reindex") && !/\bconcurrently\b/i.test(text);
  return kind === "table" || kind === "materialized view";
}

/** `VACUUM` and `CLUSTER` may name nothing; what a block or a procedure locks stands elsewhere. */
function namesAny(text: string): boolean {
  const starts = (word: string) => accept({ text, at: 0 }, word);
  if (starts("reindex")) return !/\b(?:schema|database|system)\b/i.test(text);
  if (starts("vacuum") || starts("cluster")) return !NAMELESS.test(text);
  return !["call", "do", "select", "with", "execute"].some(starts);
}

const NAMELESS = /^\s*(?:vacuum|cluster)(?:\s+(?:full|freeze|verbose|analyze)\b|\s*\([^)]*\))*\s*;?\s*$/i;

async function namedIn(
  text: string,
  relations: Relations,
  observer: Connection,
): Promise<ReadonlySet<string>> {
  const lower = text.toLowerCase();
  const named = new Set<string>();
  for (const { oid, name, owner } of relations.values())
    if (lower.includes(name.toLowerCase())) named.add(owner ?? oid);
  if (named.size === 0) return new Set(relations.keys());
  const relatives = new Map<string, string[]>();
  const relate = (one: string, other: string) => {
    relatives.set(one, [...(relatives.get(one) ?? []), other]);
    relatives.set(other, [...(relatives.get(other) ?? []), one]);
  };
  for (const { oid, parents } of relations.values()) for (const parent of parents) relate(oid, parent);
  for (const [from, to] of await foreignKeysOf(observer)) relate(from, to);
  // A set grows while it is gone through, so the relatives of relatives follow.
  for (const oid of named) for (const other of relatives.get(oid) ?? []) named.add(other);
  return named;
}
