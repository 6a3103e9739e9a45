/** A snapshot as one text, for a row of a table: JSON, compressed, in ASCII. */
import { gunzipSync, gzipSync } from "node:zlib";
import { withoutSecrets } from "./hidden.ts";
import { type SchemaSnapshot, SNAPSHOT_FORMAT } from "./snapshot.ts";

/** Nothing that this process knows to be a secret is in it. */
export function packSnapshot(snapshot: SchemaSnapshot): string {
  return gzipSync(JSON.stringify(withoutSecrets(snapshot))).toString("base64");
}

/** `null`: another version of Godwit has written it. */
export function unpackSnapshot(packed: string): SchemaSnapshot | null {
  const snapshot = JSON.parse(gunzipSync(Buffer.from(packed, "base64")).toString("utf8")) as SchemaSnapshot;
  return snapshot.format === SNAPSHOT_FORMAT ? snapshot : null;
}
