/** The secrets of webhooks: what signs a message, and the tokens that services put into a URL. */

const PREFIX = "whsec_";

/** The form of Standard Webhooks (https://www.standardwebhooks.com): `whsec_`, then 24 to 64 bytes in Base64. */
export function isWebhookSecret(text: string): boolean {
  const bytes = keyOf(text).length;
  return /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(text) && bytes >= 24 && bytes <= 64;
}

export function keyOf(secret: string): Buffer {
  return Buffer.from(secret.slice(PREFIX.length), "base64");
}

/**
 * What must not be shown of a webhook's URL or secret. Words of a path, such as `hooks`, stand in other texts as well; alone
 * they are not hidden, only the path as a whole.
 */
export function tokensIn(text: string): readonly string[] {
  if (text.startsWith(PREFIX)) return [text, text.slice(PREFIX.length)];
  if (!URL.canParse(text)) return text === "" ? [] : [text];
  const { pathname, search, searchParams, username, password } = new URL(text);
  const segments = pathname.split("/").filter((segment) => isToken(segment));
  const path = pathname.length > SHORT_PATH ? [pathname, `${pathname}${search}`] : [];
  const values = [...searchParams.values(), username, password].filter((value) => value.length >= 8);
  return [text, ...path, ...segments, ...values];
}

/** `/hooks` alone is no secret. */
const SHORT_PATH = 12;

function isToken(segment: string): boolean {
  return segment.length >= 20 || (segment.length >= 8 && /\d/.test(segment) && /[a-z]/i.test(segment));
}
