/** Why a difference has no statement. Pure. */
import type { SchemaDifference } from "../schema/compare.ts";

/** `null`: nobody has said why. */
export function reasonOf({ kind, change, attributes }: SchemaDifference): string | null {
  const names = attributes.map(({ attribute }) => attribute);
  if (change === "changed" && kind === "constraint" && names.includes("triggers enabled"))
    return "a dump has no state of the triggers of one foreign key, and no statement sets it";
  if (change === "changed" && kind === "index" && names.includes("valid"))
    return "an index is invalid because its build has failed: drop it";
  if (SECRET_OPTIONS.includes(kind) && names.some((name) => name === "options" || name === "mapping options"))
    return "what may be a password is not written into a migration";
  if (change === "added" && kind === "subscription")
    return "its address may hold a password, which is not written into a migration";
  return NOT_GENERATED.includes(kind) ? `statements for this kind (${kind}) are not generated` : null;
}

const SECRET_OPTIONS = ["server", "user mapping", "subscription", "foreign data wrapper"];
const NOT_GENERATED = [
  "access method",
  "conversion",
  "language",
  "operator",
  "operator class",
  "operator family",
  "text search parser",
  "text search template",
  "type",
];
