/**
 * Whether a request is answered at all. Pure but for the comparison of tokens.
 *
 * A page in somebody's browser can send requests to a server on that person's machine, under a name that it makes point
 * there (DNS rebinding). Such a request carries the page's name as its `Host`. So a server answers to addresses, to
 * `localhost`, and to names that it was told, and to nobody else. A program that sends no `Host` is no browser.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import type { About } from "./about.ts";
import { json, type Reply, replyTo, routeOf } from "./answer.ts";
import type { HealthSnapshot } from "./snapshot.ts";

export interface HealthRequest {
  readonly method: string;
  readonly path: string;
  readonly host: string | null;
  readonly authorization: string | null;
}

export interface Access {
  /** Required for everything but `/livez`. */
  readonly token: string | null;
  /** Names that count as `Host`. `null`: any does, because somebody else has looked at it. */
  readonly names: readonly string[] | null;
}

export interface Headed extends Reply {
  readonly headers: Readonly<Record<string, string>>;
}

export interface Answering {
  readonly snapshot: () => HealthSnapshot | Promise<HealthSnapshot>;
  readonly about: About;
  readonly access: Access;
  readonly now: () => Date;
}

/** `null`: the path is none of ours. Never rejects: an app must not end because nobody knows how its migrations are. */
export async function answerTo(asked: HealthRequest, answering: Answering): Promise<Headed | null> {
  try {
    return await answer(asked, answering);
  } catch {
    return headed(json(500, { error: "Health could not be answered." }));
  }
}

async function answer(asked: HealthRequest, answering: Answering): Promise<Headed | null> {
  const { access, about, now } = answering;
  // First, because in an app every other path is the app's own, under whatever name.
  const route = routeOf(asked.path);
  if (route === undefined) return null;
  if (access.names !== null && !isOurName(asked.host, access.names))
    return headed(json(421, { error: "This server does not answer to that Host." }));
  if (asked.method !== "GET" && asked.method !== "HEAD")
    return headed(json(405, { error: "Only GET and HEAD are answered." }), { allow: "GET, HEAD" });
  if (route !== "/livez" && access.token !== null && !hasToken(asked.authorization, access.token))
    return headed(json(401, { error: "A token is required." }), { "www-authenticate": "Bearer" });
  return headed(replyTo(route, await answering.snapshot(), about, now()));
}

export const NOT_FOUND: Headed = headed(json(404, { error: "There is nothing here." }));

function headed(reply: Reply, more: Readonly<Record<string, string>> = {}): Headed {
  const headers = {
    "content-type": reply.type,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...more,
  };
  return { ...reply, headers };
}

function isOurName(host: string | null, names: readonly string[]): boolean {
  if (host === null) return true;
  const name = host
    .trim()
    .toLowerCase()
    .replace(/:\d{1,5}$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
  return name === "localhost" || isIP(name) !== 0 || names.some((each) => each.toLowerCase() === name);
}

/** Of equal length both are, whatever was sent, so the time tells nothing. */
function hasToken(authorization: string | null, token: string): boolean {
  const given = /^Bearer +(.*)$/i.exec(authorization ?? "")?.[1];
  return given !== undefined && timingSafeEqual(digest(given.trim()), digest(token));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
