/** Values that hold a secret are kept as four digits of a hash: enough to see a change, and too little to guess by. */
import { createHash } from "node:crypto";
import { redact } from "../std/secret.ts";
import type { Attribute, SchemaSnapshot } from "./snapshot.ts";

const HIDDEN = /^\(holds a secret\) #[0-9a-f]{4}$/;

/** With nothing in it that this process knows to be a secret. */
export function withoutSecrets(snapshot: SchemaSnapshot): SchemaSnapshot {
  const objects = snapshot.objects.map((object) => {
    if (!isSecret(JSON.stringify(object.attributes))) return object;
    const attributes = Object.entries(object.attributes).map(([name, value]) => [
      name,
      isSecret(JSON.stringify(value)) ? hidden(value) : value,
    ]);
    return { ...object, attributes: Object.fromEntries(attributes) };
  });
  return { ...snapshot, objects };
}

export function isSameHidden(a: Attribute, b: Attribute): boolean {
  if (typeof a === "string" && HIDDEN.test(a)) return a === b || hidden(b) === a;
  return typeof b === "string" && HIDDEN.test(b) && hidden(a) === b;
}

function isSecret(text: string): boolean {
  return redact(text) !== text;
}

function hidden(value: Attribute): string {
  const hash = createHash("sha256").update(JSON.stringify(value)).digest("hex");
  return `(holds a secret) #${hash.slice(0, 4)}`;
}
