/** Reads the value of one option: from what is written to the type of the option. Pure. */
import { ConfigError } from "../errors.ts";
import { parseDelays } from "../std/delays.ts";
import { parseDurationMs } from "../std/duration.ts";
import { parseJson } from "../std/json.ts";
import { parseMoment } from "../std/moment.ts";
import { nearest } from "../std/nearest.ts";
import { redact, Secret, secretUrl } from "../std/secret.ts";
import { parseSizeBytes } from "../std/size.ts";
import { parseChecks } from "./checks.ts";
import { parseLint } from "./lint.ts";
import { flagName, type Kind } from "./options.ts";
import { parseRunner } from "./runner.ts";

/** An option, as a row of one of the tables of options. */
export type Named = Kind & { readonly key: string; readonly flag: string | null };

/** Where a value came from. */
export type Provenance =
  | { readonly kind: "flag"; readonly name: string }
  /** A program passed it to the function of this name. */
  | { readonly kind: "program"; readonly name: string }
  /** `file`: it is only in this `.env`. */
  | { readonly kind: "variable"; readonly name: string; readonly file?: string }
  | { readonly kind: "file"; readonly name: string }
  | { readonly kind: "default" };

/** For people: `--dir`, `dir of createMigrator`, `GODWIT_DIR`, `dir in godwit.config.ts` or `default`. */
export function describeProvenance(option: Named, provenance: Provenance): string {
  switch (provenance.kind) {
    case "flag":
      return `--${flagName(option) ?? option.key}`;
    case "program":
      return `${option.key} of ${provenance.name}`;
    case "variable":
      return provenance.file === undefined ? provenance.name : `${provenance.name} in ${provenance.file}`;
    case "file":
      return `${option.key} in ${provenance.name}`;
    case "default":
      return "default";
  }
}

/**
 * The value in the type of the option. Throws a `ConfigError` that names where the value came from and what is
 * expected.
 */
export function readValue(option: Named, given: unknown, provenance: Provenance): unknown {
  const refuse = (expected: string, hint?: string) => {
    const isSecret = ["url", "secret", "record"].includes(option.kind);
    const shown = isSecret || !isWords(given) ? "" : `: "${redact([given].flat().join(","))}"`;
    const code = provenance.kind === "variable" ? "CONFIG_VARIABLE_INVALID" : "CONFIG_INVALID";
    return new ConfigError({
      code,
      message: `${describeProvenance(option, provenance)} is not ${expected}${shown}.`,
      hint,
      details: { option: option.key, from: provenance.kind },
    });
  };
  if (isEmpty(option, given)) throw empty(option, provenance, given);
  if (!["list", "choices", "record", "checks", "runner", "lint"].includes(option.kind) && !isScalar(given))
    throw refuse(SCALARS[option.kind]);
  switch (option.kind) {
    case "text":
    case "path":
      if (typeof given !== "string") throw refuse("text");
      return given;
    case "url":
    case "secret":
      if (typeof given !== "string") throw refuse("text");
      return option.kind === "url" ? secretUrl(given) : new Secret(given);
    case "duration": {
      const milliseconds = parseDurationMs(String(given).trim());
      if (milliseconds === null) throw refuse("a duration", "Write 500ms, 3s, 2min, 1h or none.");
      return milliseconds;
    }
    case "moment": {
      const word = String(given).trim();
      if (parseMoment(word, new Date()) === null)
        throw refuse("a time", "Write 06:00, 90min, 2h or 2026-05-04T06:00Z.");
      return word;
    }
    case "delays": {
      const delays = parseDelays(String(given));
      if (delays === null) throw refuse("a pause", "Write 5s, a list like 1s,5s,30s, or exponential 2s.");
      return delays;
    }
    case "size": {
      const bytes = parseSizeBytes(String(given).trim());
      if (bytes === null || bytes === 0) throw refuse("a size", "Write 64MB, 500MB or 2GB.");
      return bytes;
    }
    case "count": {
      const number =
        typeof given === "number" ? given : /^\s*\d{1,9}\s*$/.test(String(given)) ? Number(given) : -1;
      const { least, most = Number.MAX_SAFE_INTEGER } = option;
      if (!Number.isInteger(number) || number < least || number > most)
        throw most === Number.MAX_SAFE_INTEGER
          ? refuse(`a whole number of at least ${least}`, `Write ${least} or more.`)
          : refuse(`a whole number from ${least} to ${most}`);
      return number;
    }
    case "switch": {
      if (typeof given === "boolean") return given;
      const word = String(given).trim().toLowerCase();
      if (["1", "true", "yes", "on"].includes(word)) return true;
      if (["0", "false", "no", "off"].includes(word)) return false;
      throw refuse("true or false");
    }
    case "choice":
      return readChoice(option.choices, given, refuse);
    case "choices":
      if (!isWords(given)) throw refuse("a list of names");
      return wordsOf(given).map((word) => readChoice(option.choices, word, refuse));
    case "list":
      if (!isWords(given)) throw refuse("a list of names");
      return wordsOf(given);
    case "checks":
    case "runner":
    case "lint": {
      const read = PARSERS[option.kind](given);
      if ("checks" in read) return read.checks;
      if ("words" in read) return read.words;
      if ("lint" in read) return read.lint;
      throw new ConfigError({
        code: "CONFIG_INVALID",
        message: `${describeProvenance(option, provenance)} ${read.wrong}.`,
        details: { option: option.key, from: provenance.kind },
      });
    }
    case "record": {
      const entries = entriesOf(given);
      if (entries === null) {
        const isWord = provenance.kind === "flag";
        throw refuse(
          isWord ? "a name with a value" : "an object of names and texts",
          isWord ? "Write name=value." : "Write name=value,… or a JSON object.",
        );
      }
      return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
    }
  }
}

/** What has a shape of its own in the file. */
const PARSERS = { checks: parseChecks, runner: parseRunner, lint: parseLint } as const;

/** Words are `name=value`. Of one text, a JSON object or a list of words. `null`: it is neither. */
function entriesOf(given: unknown): readonly (readonly [name: string, value: unknown])[] | null {
  if (typeof given === "string") {
    const parsed = given.trim().startsWith("{") ? parseJson(given) : { value: given.split(",") };
    return "fault" in parsed || typeof parsed.value === "string" ? null : entriesOf(parsed.value);
  }
  if (typeof given !== "object" || given === null) return null;
  const entries = Array.isArray(given)
    ? given.map((word) => /^\s*([^=]*[^=\s])\s*=(.*)$/s.exec(String(word))?.slice(1) ?? [])
    : Object.entries(given);
  const isEntry = ([name, value]: readonly unknown[]) => name !== undefined && isScalar(value);
  return entries.every(isEntry) ? (entries as readonly [string, unknown][]) : null;
}

/**
 * An unset shell variable leaves an empty word. Reading it as "not given" could do more than the user asked for, so it is
 * refused. A list may be empty only where it is written as a list.
 */
function isEmpty({ kind }: Named, given: unknown): boolean {
  if (given === null) return true;
  // Only a list of names may have none, for example when nothing is excluded.
  if (kind !== "list" && Array.isArray(given) && given.length === 0) return true;
  const words = Array.isArray(given) ? given : [given];
  return words.some((word) => typeof word === "string" && holdsNothing(word, kind));
}

function holdsNothing(word: string, kind: Named["kind"]): boolean {
  const isList = kind === "list" || kind === "choices";
  return (isList ? word.split(",") : [word]).some((part) => part.trim() === "");
}

function empty(option: Named, ...[provenance, given]: [provenance: Provenance, given: unknown]): ConfigError {
  return new ConfigError({
    code:
      option.kind === "url" && provenance.kind !== "flag" && provenance.kind !== "program"
        ? "URL_MISSING"
        : provenance.kind === "variable"
          ? "CONFIG_VARIABLE_INVALID"
          : "CONFIG_INVALID",
    message: `${describeProvenance(option, provenance)} is ${given === null ? "null" : "empty"}.`,
    hint:
      provenance.kind === "variable"
        ? `Set ${provenance.name}, or unset it. An empty value does not mean none.`
        : "Give it a value, or leave it out. An empty value does not mean none. Is a shell variable unset?",
    details: { option: option.key, from: provenance.kind },
  });
}

/** Whether it is read as one word. */
function isScalar(given: unknown): boolean {
  return ["string", "number", "boolean"].includes(typeof given);
}

function isWords(given: unknown): boolean {
  return Array.isArray(given) ? given.every(isScalar) : isScalar(given);
}

/** For each kind: the expected value, in messages about a value that is not one word. */
const SCALARS: Readonly<Record<Named["kind"], string>> = {
  text: "text",
  path: "text",
  url: "text",
  secret: "text",
  duration: "a duration",
  moment: "a time",
  size: "a size",
  delays: "a pause",
  count: "a number",
  switch: "true or false",
  choice: "a word",
  choices: "a list of names",
  list: "a list of names",
  record: "an object of names and texts",
  checks: "a list of checks",
  runner: "a list of words",
  lint: "an object",
};

type Refuse = (expected: string, hint?: string) => ConfigError;

function readChoice(choices: readonly string[], given: unknown, refuse: Refuse): string {
  const word = String(given).trim();
  if (choices.includes(word)) return word;
  const meant = nearest(word, choices);
  throw refuse(
    choices.length === 1 ? `"${choices[0]}"` : `one of ${choices.join(", ")}`,
    meant === undefined ? `Write ${choices.join(" or ")}.` : `Did you mean ${meant}?`,
  );
}

function wordsOf(given: unknown): readonly string[] {
  const parts = Array.isArray(given) ? given : [given];
  return parts
    .flatMap((part) => String(part).split(","))
    .map((word) => word.trim())
    .filter((word) => word !== "");
}
