/** The one document that `--json` prints. */
import { redact } from "../../std/secret.ts";

export function documentOf(document: object): string {
  return `${JSON.stringify(clean(document, "", { own: true }), null, 2)}\n`;
}

/**
 * Hides secrets in the JSON document. Our own words stay, because a password may equal a state, a year or the name of
 * a migration, and machines read these. In the facts of a problem anything may stand.
 */
function clean(value: unknown, key: string, { own }: { own: boolean }): unknown {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "string") return own && OWN_WORDS.has(key) ? value : redact(value);
  if (typeof value !== "object" || value === null) return value;
  const plain = "toJSON" in value && typeof value.toJSON === "function" ? (value.toJSON() as unknown) : value;
  if (typeof plain !== "object" || plain === null) return clean(plain, key, { own });
  const inside = { own: own && !OF_OTHERS.has(key) };
  if (Array.isArray(plain)) return plain.map((each) => clean(each, key, inside) ?? null);
  return Object.fromEntries(Object.entries(plain).map(([name, each]) => [name, clean(each, name, inside)]));
}

const OF_OTHERS: ReadonlySet<string> = new Set(["details", "figures", "settings"]);
/**
 * Fields whose values are our own words. `sql` is among them: a script without its passwords would be another script.
 */
const OWN_WORDS: ReadonlySet<string> = new Set(
  "sql command code kind state outcome committed level event direction phase goal revision revisions revises current heads file files folder checksum fingerprint runId layout tool startedAt executedAt finishedAt seenAt at declared already".split(
    " ",
  ),
);
