/**
 * The webhooks of a configuration: those of the file, and the one that the environment names.
 *
 * A URL is a secret as a whole, because many services put a token into its path. So a webhook has a name without one.
 */
import { ConfigError } from "../errors.ts";
import { nearest } from "../std/nearest.ts";
import { Secret } from "../std/secret.ts";
import { isWebhookSecret, tokensIn } from "../std/webhook-secrets.ts";
import { WEBHOOK_EVENTS, WEBHOOK_FORMATS, type WebhookEvent, type WebhookFormat } from "./options.ts";
import { type Environment, lookUp } from "./read.ts";
import { type Named, readValue } from "./values.ts";

export interface WebhookConfig {
  /** Its host, or what the file calls it. It is unique, and holds no secret. */
  readonly name: string;
  readonly url: Secret;
  /** The newest first. Each of them signs. */
  readonly secrets: readonly Secret[];
  readonly events: readonly WebhookEvent[];
  readonly format: WebhookFormat;
}

/** The values of the options that belong to the webhook of the environment. */
export interface WebhookValues {
  readonly webhookUrl: Secret | null;
  readonly webhookSecret: Secret | null;
  readonly webhookEvents: readonly string[] | null;
  readonly webhookFormat: string | null;
}

interface Reading {
  readonly environment: Environment;
  /** Named in messages. */
  readonly file: string;
}

/** All webhooks. Throws `ConfigError` for what is not understood. */
export function readWebhooks(
  given: unknown,
  values: WebhookValues,
  reading: Reading,
): readonly WebhookConfig[] {
  if (given !== undefined && !Array.isArray(given))
    throw invalid("webhooks is not a list.", 'Write webhooks: [{ url: env("WEBHOOK_URL") }].', reading);
  const written = (given ?? []).map((each: unknown, index: number) => fromFile(each, index, reading));
  const ofEnvironment = fromEnvironment(values);
  return named([...written, ...(ofEnvironment === null ? [] : [ofEnvironment])], reading);
}

type Unnamed = Omit<WebhookConfig, "name"> & { readonly name: string | null };

const KEYS = ["url", "secrets", "events", "format", "name"] as const;
const EVENTS: Named = { key: "events", flag: null, kind: "choices", choices: WEBHOOK_EVENTS };
const FORMAT: Named = { key: "format", flag: null, kind: "choice", choices: WEBHOOK_FORMATS };

function fromFile(given: unknown, index: number, reading: Reading): Unnamed {
  const place = `webhooks[${index}]`;
  if (!isRecord(given))
    throw invalid(`${place} is not an object.`, 'Write { url: env("WEBHOOK_URL") }.', reading);
  for (const key of Object.keys(given)) {
    if ((KEYS as readonly string[]).includes(key)) continue;
    const meant = nearest(key, [...KEYS]);
    const hint = meant === undefined ? `Options: ${KEYS.join(", ")}.` : `Did you mean ${meant}?`;
    throw invalid(`${place} has an unknown option "${key}".`, hint, reading);
  }
  const value = (key: (typeof KEYS)[number], written: unknown = given[key]) =>
    lookUp(written, { environment: reading.environment, key: `${place}.${key}`, file: reading.file }).given;
  const { secrets, events, format, name } = given;
  const url = urlOf(value("url"), `${place}.url`);
  if (secrets !== undefined && !Array.isArray(secrets))
    throw invalid(`${place}.secrets is not a list.`, 'Write secrets: [env("WEBHOOK_SECRET")].', reading);
  if (name !== undefined && (typeof name !== "string" || !/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,62}$/u.test(name)))
    throw invalid(`${place}.name is no name.`, "Use letters, digits, dots and dashes.", reading);
  const provenance = { kind: "file", name: reading.file } as const;
  const read = (option: Named, what: unknown) =>
    what === undefined ? null : readValue({ ...option, key: `${place}.${option.key}` }, what, provenance);
  return {
    name: name ?? null,
    url: url.secret,
    secrets: (secrets ?? []).flatMap((each: unknown) =>
      secretsOf(value("secrets", each), `${place}.secrets`),
    ),
    events: (read(EVENTS, events) as WebhookConfig["events"] | null) ?? WEBHOOK_EVENTS,
    format: (read(FORMAT, format) as WebhookFormat | null) ?? usualFormat(url.host),
  };
}

function fromEnvironment(values: WebhookValues): Unnamed | null {
  const { webhookUrl, webhookSecret, webhookEvents, webhookFormat } = values;
  if (webhookUrl === null) return null;
  const url = urlOf(webhookUrl.reveal(), "GODWIT_WEBHOOK_URL");
  return {
    name: null,
    url: url.secret,
    secrets: webhookSecret === null ? [] : secretsOf(webhookSecret.reveal(), "GODWIT_WEBHOOK_SECRET"),
    events: (webhookEvents as WebhookConfig["events"] | null) ?? WEBHOOK_EVENTS,
    format: (webhookFormat as WebhookFormat | null) ?? usualFormat(url.host),
  };
}

/** Each by its host. Of several at one host, the second has a number. */
function named(webhooks: readonly Unnamed[], reading: Reading): readonly WebhookConfig[] {
  const own = webhooks.flatMap(({ name }) => name ?? []);
  const twice = own.find((name, index) => own.indexOf(name) !== index);
  if (twice !== undefined)
    throw invalid(`Two webhooks are called "${twice}".`, "Give each a name of its own.", reading);
  const taken = new Set(own);
  return webhooks.map((webhook) => {
    if (webhook.name !== null) return { ...webhook, name: webhook.name };
    const { host } = new URL(webhook.url.reveal());
    let name = host;
    for (let number = 2; taken.has(name); number++) name = `${host}-${number}`;
    taken.add(name);
    return { ...webhook, name };
  });
}

function urlOf(given: unknown, where: string): { readonly secret: Secret; readonly host: string } {
  const text = typeof given === "string" ? given.trim() : "";
  const secret = new Secret(text, { parts: tokensIn(text) });
  const refuse = (what: string, hint: string) =>
    new ConfigError({ code: "CONFIG_INVALID", message: `${where} ${what}.`, hint });
  const example = "Write https://example.com/hooks/godwit, or the URL that Slack shows for the channel.";
  if (given === undefined) throw refuse("is missing", `Give ${where} the URL, or env("WEBHOOK_URL").`);
  // The text itself is not quoted: it may hold a token.
  if (!URL.canParse(text)) throw refuse("is not a URL", example);
  const { protocol, hostname } = new URL(text);
  if (!["http:", "https:"].includes(protocol) || hostname === "")
    throw refuse("is not a URL of HTTP", example);
  return { secret, host: hostname };
}

/** Several stand in one text with a space or a comma between them. */
function secretsOf(given: unknown, where: string): readonly Secret[] {
  const texts = typeof given === "string" ? given.split(/[\s,]+/).filter((each) => each !== "") : [];
  if (texts.length === 0 || !texts.every(isWebhookSecret))
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `${where} is not a secret of Standard Webhooks: "whsec_" and 24 to 64 bytes in Base64.`,
      hint: `Make one: node -e 'console.log("whsec_" + crypto.randomBytes(32).toString("base64"))'`,
    });
  return texts.map((text) => new Secret(text, { parts: tokensIn(text) }));
}

function usualFormat(host: string): WebhookFormat {
  return host === "hooks.slack.com" ? "slack" : "json";
}

function invalid(message: string, hint: string, { file }: Reading): ConfigError {
  return new ConfigError({ code: "CONFIG_INVALID", message, hint, place: { file } });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
