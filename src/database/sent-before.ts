/**
 * The last texts of a session. An error may come only at the COMMIT of its transaction, or from inside of a function that
 * an earlier text has made.
 */
import type { Before, Sent } from "./sent.ts";

export interface SentBefore {
  /** The texts that succeeded before, the newest first. */
  readonly all: () => readonly Before[];
  readonly succeeded: (sent: Sent) => void;
}

/** In characters. What is older is forgotten: it is only kept for the words of a rare error. */
const MOST_KEPT = 1_000_000;
const MOST_TEXTS = 100;

export function sentBefore(): SentBefore {
  let kept: (Before & { transaction: number })[] = [];
  let length = 0;
  let transaction = 0;
  return {
    all: () => kept.map((one) => ({ ...one, open: one.transaction === transaction })).toReversed(),
    succeeded(sent) {
      kept.push({ ...sent, open: true, transaction });
      if (ENDS.test(sent.text.slice(-100))) transaction++;
      length += sent.text.length;
      if (length <= MOST_KEPT && kept.length <= MOST_TEXTS) return;
      const [oldest] = kept;
      length -= oldest?.text.length ?? 0;
      kept = length > MOST_KEPT ? [] : kept.slice(1);
      if (kept.length === 0) length = 0;
    },
  };
}

const ENDS = /\b(?:commit|rollback|end)\s*;?\s*$/i;
