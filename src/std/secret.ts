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
    .replace(URL_PASSWORD, "$1***@")
    .replace(POSTGRES_PASSWORD_WITH_SPACES, (whole, start: string, rest: string) =>
      /^(\d*([/?#,\s].*)?|\*\*\*)$/s.test(rest) ? whole : `${start}***@`,
    )
    .replace(SETTING, "$1***");
}

// Greedy to the last @ of the word: an @ that nobody encoded belongs to the password, not to the host.
const URL_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)\S*@/gi;
const POSTGRES_PASSWORD_WITH_SPACES = /(postgres(?:ql)?(?:\+\w+)?:\/\/[^\s:/@]*:)([^\r\n@]*)@/gi;
const SETTING =
  /((?:^|[?&\s"'`({,;])(?:pgpassword|password|sslpassword)\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&'"]+)/gi;
