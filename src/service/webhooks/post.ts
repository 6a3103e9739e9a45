/** One attempt to deliver one message. Nothing that is said of it holds the URL or what was answered. */
import type { IncomingMessage, RequestOptions } from "node:http";
import { urlToHttpOptions } from "node:url";
import type { WebhookConfig } from "../../config/webhooks.ts";
import { timeLimit } from "../../std/time.ts";
import { VERSION } from "../../std/version.ts";
import type { Message } from "./message.ts";
import { signatureHeaders } from "./sign.ts";
import { slackBody } from "./slack.ts";

export interface Refusal {
  /** For people, after the webhook's name: `answered 500`. */
  readonly reason: string;
  /** Whether another attempt soon may come to another end. */
  readonly canPass: boolean;
}

/** How long one attempt may take. */
const ANSWER_MS = 10_000;

/** `null`: it was taken. Never rejects. */
export async function post(
  { url, secrets, format }: Pick<WebhookConfig, "url" | "secrets" | "format">,
  message: Message,
  { signal }: { readonly signal: AbortSignal },
): Promise<Refusal | null> {
  const body = format === "slack" ? slackBody(message) : JSON.stringify(jsonOf(message));
  const address = new URL(url.reveal());
  using limit = timeLimit(ANSWER_MS);
  const options: RequestOptions = {
    ...urlToHttpOptions(address),
    method: "POST",
    // A connection that is kept open would keep the process.
    agent: false,
    signal: AbortSignal.any([signal, limit.signal]),
    headers: {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      "user-agent": `godwit/${VERSION}`,
      ...signatureHeaders(body, {
        id: message.id,
        sentAt: new Date(),
        secrets: secrets.map((secret) => secret.reveal()),
      }),
    },
  };
  try {
    const { request } = await (address.protocol === "https:" ? import("node:https") : import("node:http"));
    const status = await new Promise<number>((resolve, reject) => {
      const sent = request(options, (answer: IncomingMessage) => {
        resolve(answer.statusCode ?? 0);
        // Only the status counts, however long the answer is.
        sent.destroy();
      });
      sent.on("error", reject);
      sent.end(body);
    });
    return refusalOf(status);
  } catch (error) {
    if (limit.signal.aborted) return { reason: `did not answer within ${ANSWER_MS / 1000} s`, canPass: true };
    if (signal.aborted) return { reason: "had not answered when the run ended", canPass: true };
    const { code } = error as NodeJS.ErrnoException;
    return { reason: `could not be reached (${code ?? "no answer"})`, canPass: true };
  }
}

/** The body of a JSON webhook: the message, without what the headers say. */
function jsonOf({ type, timestamp, data }: Message) {
  return { type, timestamp, data };
}

function refusalOf(status: number): Refusal | null {
  if (status >= 200 && status < 300) return null;
  // Somebody else would get what is meant for one receiver.
  if (status >= 300 && status < 400)
    return { reason: `answered ${status}, and a redirect is not followed`, canPass: false };
  const canPass = status >= 500 || status === 408 || status === 425 || status === 429;
  return { reason: `answered ${status}`, canPass };
}
