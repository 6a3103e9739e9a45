/** Privileges that come with an object when it is made. Pure, but for the package that holds the facts. */
import type { Fact, FactBase } from "@supabase/pg-delta";

/**
 * The desired facts without the privileges that PostgreSQL gives the owner of a new object. pg-delta leaves their statements out
 * too, after it has ordered them, and looks for each of them at all facts. Default privileges give others, so then all are kept.
 */
export async function withoutGiven(desired: FactBase, present: FactBase): Promise<FactBase> {
  const facts = desired.facts();
  if ([...facts, ...present.facts()].some(({ id }) => id.kind === "defaultPrivilege")) return desired;
  const kept = facts.filter((fact) => !isGiven(fact, desired) || present.has(targetOf(fact)));
  if (kept.length === facts.length) return desired;
  const { buildFactBase } = await import("@supabase/pg-delta/core");
  const ids = new Set(facts);
  for (const fact of kept) ids.delete(fact);
  const gone = [...ids].flatMap(({ id }) => desired.outgoingEdges(id));
  const edges = new Set(desired.edges);
  for (const edge of gone) edges.delete(edge);
  return buildFactBase(kept, [...edges], desired.source);
}

function targetOf({ id }: Fact): Fact["id"] {
  return id.kind === "acl" ? id.target : id;
}

function isGiven({ id, payload }: Fact, facts: FactBase): boolean {
  if (id.kind !== "acl" || id.column !== undefined) return false;
  const { privileges, grantable, _ownerDefault } = payload as Readonly<Record<string, unknown>>;
  const isOwner = facts
    .outgoingEdges(id.target)
    .some(({ kind, to }) => kind === "owner" && to.kind === "role" && to.name === id.grantee);
  return isOwner && sorted(grantable) === "" && sorted(privileges) === sorted(_ownerDefault);
}

function sorted(list: unknown): string {
  return Array.isArray(list) ? [...list].sort().join() : "";
}
