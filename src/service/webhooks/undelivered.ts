/** Messages that nobody took: kept with the ledger, shown, and sent again when a person says so. */
import type { WebhookEvent } from "../../config/options.ts";
import type { WebhookConfig } from "../../config/webhooks.ts";
import { type KeptRow, type UndeliveredTable, undeliveredTable } from "../../ledger/webhooks.ts";
import { withConnection } from "../../run/session/connect.ts";
import type { RunContext, Target } from "../../run/session/target.ts";
import type { Message, MessageData } from "./message.ts";
import { post } from "./post.ts";
import type { Undelivered } from "./sender.ts";

/** A message that a webhook has not taken. */
export interface UndeliveredMessage {
  readonly id: string;
  readonly webhook: string;
  readonly type: WebhookEvent;
  readonly target: string;
  readonly runId: string;
  readonly createdAt: Date;
  readonly triedAt: Date;
  readonly attempts: number;
  /** Why the last attempt failed. */
  readonly reason: string;
}

export interface Redelivery {
  readonly target: string;
  /** How many were taken now. */
  readonly delivered: number;
  /** How many were forgotten. */
  readonly forgotten: number;
  /** What is left, the oldest first. */
  readonly undelivered: readonly UndeliveredMessage[];
}

export type UndeliveredAction = "list" | "retry" | "forget";

/** Keeps what was not taken. Throws where the database can't. */
export async function keepUndelivered(
  target: Target,
  entries: readonly Undelivered[],
  context: RunContext,
): Promise<void> {
  const rows = entries.map(({ webhook, message, attempts, reason }) => {
    const { id, type, data } = message;
    return { id, webhook, type, message, runId: data.runId, attempts, reason };
  });
  // The run is over, and nobody waits for a server that does not answer.
  const once = { ...target, settings: { ...target.settings, connectAttempts: 1, lockAttempts: 1 } };
  await withConnection(once, context, (connection) => tableOf(target).keep(connection, rows));
}

/** Lists, sends again or forgets. Throws `DatabaseError`. */
export async function undelivered(
  target: Target,
  { action, webhooks }: { readonly action: UndeliveredAction; readonly webhooks: readonly WebhookConfig[] },
  context: RunContext,
): Promise<Redelivery> {
  const table = tableOf(target);
  const list = () => withConnection(target, context, (connection) => table.list(connection));
  const rows = await list();
  if (action === "forget") {
    await withConnection(target, context, (connection) => table.forget(connection, rows));
    return { target: target.name, delivered: 0, forgotten: rows.length, undelivered: [] };
  }
  const delivered =
    action === "retry"
      ? await sendAgain(rows, {
          webhooks,
          signal: context.signal,
          note: (row, refusal) =>
            withConnection(target, context, (connection) =>
              refusal === null ? table.forget(connection, [row]) : table.failed(connection, refusal),
            ),
        })
      : 0;
  const left = action === "retry" ? await list() : rows;
  return {
    target: target.name,
    delivered,
    forgotten: 0,
    undelivered: left.map(({ message, type, ...row }) => ({
      ...row,
      type: type as WebhookEvent,
      target: (message as { readonly data?: MessageData }).data?.target ?? target.name,
    })),
  };
}

interface SendAgain {
  readonly webhooks: readonly WebhookConfig[];
  readonly signal: AbortSignal;
  /** `refusal`: the row as it is after the attempt. `null`: it was taken. */
  readonly note: (row: KeptRow, refusal: KeptRow | null) => Promise<void>;
}

/** One attempt for each. Returns how many were taken. */
async function sendAgain(rows: readonly KeptRow[], { webhooks, signal, note }: SendAgain): Promise<number> {
  let delivered = 0;
  /** Webhooks that can't be reached. Their other messages would wait for nothing. */
  const down = new Set<string>();
  for (const row of rows) {
    signal.throwIfAborted();
    if (down.has(row.webhook)) continue;
    const webhook = webhooks.find(({ name }) => name === row.webhook);
    const refusal = webhook === undefined ? null : await post(webhook, row.message as Message, { signal });
    if (refusal?.canPass === true) down.add(row.webhook);
    if (webhook === undefined) await note(row, { ...row, reason: "is not configured any more" });
    else await note(row, refusal && { ...row, attempts: row.attempts + 1, reason: refusal.reason });
    if (webhook !== undefined && refusal === null) delivered++;
  }
  return delivered;
}

function tableOf({ ledger, settings }: Target): UndeliveredTable {
  return undeliveredTable({
    schema: ledger.schema,
    given: settings.schema ?? null,
    byHand: ledger.byHand,
  });
}
