/** No secret of the suite is in what somebody is told: output, answers, bodies of webhooks. */
import { findSecrets } from "./canaries.ts";

const AROUND = 120;

/** Throws with the place of the first one, and without the secret itself. */
export function expectNoSecrets(where: string, text: string): void {
  const [found] = findSecrets(text);
  if (found === undefined) return;
  const before = text.slice(Math.max(0, found.at - AROUND), found.at);
  throw new Error(`${where} holds ${found.what}, behind: …${before}`);
}
