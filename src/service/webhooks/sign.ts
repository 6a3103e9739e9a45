/**
 * The signature of Standard Webhooks (https://www.standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`, once for each
 * secret, so that a receiver may know the old one or the new one while a secret is replaced.
 */
import { createHmac } from "node:crypto";
import { keyOf } from "../../std/webhook-secrets.ts";

export interface Signed {
  readonly id: string;
  /** When it is sent, not when it was made: receivers refuse what is older than some minutes. */
  readonly sentAt: Date;
  readonly secrets: readonly string[];
}

export function signatureHeaders(
  body: string,
  { id, sentAt, secrets }: Signed,
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(sentAt.getTime() / 1000));
  const signatures = secrets.map((secret) => {
    const hmac = createHmac("sha256", keyOf(secret)).update(`${id}.${timestamp}.${body}`);
    return `v1,${hmac.digest("base64")}`;
  });
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    ...(signatures.length === 0 ? {} : { "webhook-signature": signatures.join(" ") }),
  };
}
