/** Things that must never reach a log, an error or a ledger. */
import { inspect } from "node:util";

/** A value that can be used but not printed: `String()`, JSON and `console.log` all give `***`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself, to be handed to whoever asks for it and to nobody else. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "***";
  }

  toJSON(): string {
    return "***";
  }

  [inspect.custom](): string {
    return "***";
  }
}

/**
 * The text with every password of a URL or of a `password=…` setting replaced by `***`. It works on text that
 * nobody could parse, so it prefers hiding too much to hiding too little: a password may hold any character.
 */
export function redact(text: string): string {
  return text
    .replace(POSTGRES_PASSWORD, "$1***@")
    .replace(OTHER_PASSWORD, "$1***@")
    .replace(SETTING, "$1***")
    .replace(SQL_PASSWORD, "$1'***'");
}

// Greedy: an @ that nobody encoded belongs to the password. To the last one of the line, because a space may
// belong to it too, but not into the next URL.
const POSTGRES_PASSWORD = /(postgres(?:ql)?(?:\+\w+)?:\/\/[^\s:/@]*:)(?:(?![a-z]\w*:\/\/)[^\r\n])*@/gi;
const OTHER_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)\S*@/gi;
/** `ALTER ROLE … PASSWORD '…'`: what others run is shown to those who wait for it. */
const SQL_PASSWORD = /(\bpassword\s+)e?'(?:[^']|'')*(?:'|$)/gi;
const SETTING =
  /((?:^|[?&\s"'`({,;])(?:pgpassword|password|sslpassword)\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&'"]+)/gi;
