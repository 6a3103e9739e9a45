/**
 * Delivers messages while a run is at work, and never holds it up.
 *
 *   waiting its turn ─► attempt ─► taken
 *                          ▲ │
 *                  a pause ┘ ├─► refused for good, or too often ─► undelivered
 *                            └─► the run is over and the time is up ─► undelivered
 *
 * Each webhook gets its messages in order, one after the other. One that does not answer delays no other webhook.
 */
import type { WebhookConfig } from "../../config/webhooks.ts";
import { delay } from "../../std/time.ts";
import type { Message } from "./message.ts";
import { post } from "./post.ts";

export interface Undelivered {
  readonly webhook: string;
  readonly message: Message;
  readonly attempts: number;
  /** Why the last attempt failed. */
  readonly reason: string;
}

export interface Sender {
  send(message: Message): void;
  /** Waits for what is under way, until the signal aborts. Resolves with what was not taken. Call it once. */
  close(options: { readonly signal: AbortSignal }): Promise<readonly Undelivered[]>;
}

/** The pauses between the attempts of one message. After the last it is undelivered. */
const PAUSES_MS = [500, 2_000, 10_000, 60_000, 300_000];
/** The same once the run is over: somebody waits for its end. */
const LAST_PAUSES_MS = [300, 700];

interface Entry {
  readonly message: Message;
  attempts: number;
  reason: string;
}

export function createSender(webhooks: readonly WebhookConfig[]): Sender {
  /** Ends the pauses: one more attempt is made at once. */
  const hurry = new AbortController();
  const stop = new AbortController();
  const lanes = webhooks.map((webhook) => ({
    webhook,
    left: new Set<Entry>(),
    last: Promise.resolve(),
  }));

  async function deliver(webhook: WebhookConfig, entry: Entry): Promise<boolean> {
    let [pauses, hurried] = [PAUSES_MS, false];
    for (let pause = 0; !stop.signal.aborted; pause++) {
      const refusal = await post(webhook, entry.message, stop);
      entry.attempts++;
      if (refusal === null) return true;
      entry.reason = refusal.reason;
      if (hurry.signal.aborted && !hurried) [pauses, pause, hurried] = [LAST_PAUSES_MS, 0, true];
      const pauseMs = pauses[pause];
      if (!refusal.canPass || pauseMs === undefined) return false;
      const ends = hurried ? stop.signal : AbortSignal.any([stop.signal, hurry.signal]);
      await delay(pauseMs * (0.75 + Math.random() / 2), ends).catch(() => {});
    }
    return false;
  }

  return {
    send(message) {
      for (const lane of lanes) {
        if (!lane.webhook.events.includes(message.type)) continue;
        const entry: Entry = { message, attempts: 0, reason: "had not been reached when the run ended" };
        lane.left.add(entry);
        lane.last = lane.last.then(async () => {
          if (await deliver(lane.webhook, entry)) lane.left.delete(entry);
        });
      }
    },
    async close({ signal }) {
      signal.addEventListener("abort", () => stop.abort(), { once: true });
      hurry.abort();
      await Promise.all(lanes.map(({ last }) => last));
      return lanes.flatMap(({ webhook, left }) =>
        [...left].map((entry) => ({ webhook: webhook.name, ...entry })),
      );
    },
  };
}
