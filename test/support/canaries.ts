/**
 * The secrets of the suite. Every password, key and token that a fixture hands out is unique, so one that leaks is recognised
 * wherever it turns up, in whatever notation.
 */
import { randomBytes } from "node:crypto";

/** Notation → which secret it is. */
const known = new Map<string, string>();

/** A new secret of letters and digits. `what` names it where it is found. */
export function canary(what: string): string {
  return asSecret(what, `cAn4ry${randomBytes(10).toString("hex")}`);
}

/** A secret that has a form of its own. */
export function asSecret(what: string, value: string): string {
  if (value.length < 12) throw new Error(`${what} is too short to be recognised.`);
  for (const notation of notationsOf(value)) known.set(notation, what);
  return value;
}

/** Notations that may stand in a text, for the database to look for. */
export function notations(): readonly string[] {
  return [...known.keys()];
}

export interface Found {
  readonly what: string;
  /** Where it stands in the text. */
  readonly at: number;
}

export function findSecrets(text: string): readonly Found[] {
  return [...known].flatMap(([notation, what]) => {
    const at = text.indexOf(notation);
    return at === -1 ? [] : [{ what, at }];
  });
}

export function whatIs(notation: string): string {
  return known.get(notation) ?? "a secret";
}

function notationsOf(value: string): ReadonlySet<string> {
  const bytes = Buffer.from(value);
  return new Set([
    value,
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
    bytes.toString("hex"),
    // Its end depends on what follows.
    bytes.toString("base64").replace(/.?=*$/, ""),
  ]);
}
