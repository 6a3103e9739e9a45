/** A check by HTTP: 2xx passes. An application may need a while after a migration, so it is asked until the time is over. */
import { delay } from "../../std/time.ts";
import { type Check, CheckFault } from "./check.ts";

const PAUSE_MS = 500;

export async function checkUrl({ url }: Check & { kind: "url" }, signal: AbortSignal): Promise<void> {
  const { href, origin, headers } = requestOf(url);
  let last = `${origin} has not answered`;
  try {
    for (;;) {
      const answer = await ask(href, { headers, signal });
      if (answer.ok) return;
      last = `${origin} ${answer.said}`;
      await delay(PAUSE_MS, signal);
    }
  } catch {
    throw new CheckFault(`${last} in time`);
  }
}

/** `fetch` refuses a URL with a password in it. The path may hold a token, so only the origin is told. */
function requestOf(url: string): { href: string; origin: string; headers: Record<string, string> } {
  const parsed = new URL(url);
  const { username, password, origin } = parsed;
  if (username === "" && password === "") return { href: parsed.href, origin, headers: {} };
  [parsed.username, parsed.password] = ["", ""];
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization = `Basic ${Buffer.from(pair).toString("base64")}`;
  return { href: parsed.href, origin, headers: { authorization } };
}

async function ask(
  href: string,
  { headers, signal }: { headers: Record<string, string>; signal: AbortSignal },
): Promise<{ ok: boolean; said: string }> {
  try {
    const response = await fetch(href, { headers, signal, redirect: "manual" });
    await response.body?.cancel();
    return { ok: response.ok, said: `answered ${response.status}` };
  } catch (error) {
    signal.throwIfAborted();
    const cause = (error as { cause?: { code?: unknown } }).cause?.code;
    return { ok: false, said: `could not be reached${typeof cause === "string" ? ` (${cause})` : ""}` };
  }
}
