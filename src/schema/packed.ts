/** A snapshot as one text, for a row of a table: JSON, compressed, in ASCII. */
import { gunzipSync, gzipSync } from "node:zlib";
import { withoutSecrets } from "./hidden.ts";
import { type SchemaSnapshot, SNAPSHOT_FORMAT } from "./snapshot.ts";

/** Nothing that this process knows to be a secret is in it. The fingerprint of the same moment stands behind a point. */
export function packSnapshot(snapshot: SchemaSnapshot, fingerprint: string | null = null): string {
  const packed = gzipSync(JSON.stringify(withoutSecrets(snapshot))).toString("base64");
  return fingerprint === null ? packed : `${packed}.${fingerprint}`;
}

/** `null`: another version of Godwit has written it. */
export function unpackSnapshot(packed: string): SchemaSnapshot | null {
  const [content = ""] = packed.split(".", 1);
  const snapshot = JSON.parse(gunzipSync(Buffer.from(content, "base64")).toString("utf8")) as SchemaSnapshot;
  return snapshot.format === SNAPSHOT_FORMAT ? snapshot : null;
}
