/**
 * Reads one comment as a section marker. It cuts the comment into words at everything that is not a letter and at camel
 * case. It also separates a tool and a direction that are written as one word. A marker has a direction and, beside it,
 * only words that name a tool or a section. A direction with one wrong letter still counts.
 */
import type { Direction } from "../../core/migration.ts";
import { distance } from "../../std/nearest.ts";
import type { Comment } from "../comments.ts";

/**
 * written   only a tool writes this form: it has the tool's name, or a sign such as `@`, `+`, `!` before the direction
 * bare      the line is the direction and nothing else: `-- DOWN`, `-- ==== Rollback ====`
 * headed    the direction, a colon and a remark: `-- down: drop the users`
 * loose     the direction and a remark without a colon: `-- down (users)`
 * mirrored  a direction and more words: `-- Revert shop:a from pg`
 */
export type Strength = "written" | "bare" | "headed" | "loose" | "mirrored";

export interface Reading {
  readonly direction: Direction;
  readonly strength: Strength;
  /** It has a sign or a colon, which makes it a tool's own form even if it stands alone. */
  readonly signed: boolean;
  /** The words in addition to the direction. */
  readonly remark: string;
}

/** Longer comments are prose, however they begin. */
const LONGEST = 200;
/** How much of a comment is read. A box of signs around a word may be long. */
const LOOKED_AT = 4096;

export function readComment({ says, hash }: Comment): Reading | null {
  // A run of one sign is decoration. One sign of each run is enough to find a `:` or a `+`.
  const whole = says
    .slice(0, LOOKED_AT)
    .normalize("NFKC")
    .replace(/([^\p{L}\p{N}\n])\1+/gu, "$1$1")
    .replace(/([^\p{L}\p{N}\s])(?: \1)+/gu, "$1")
    .trim();
  const text = whole.slice(0, LONGEST);
  const isShort = whole.length <= LONGEST && says.length <= LOOKED_AT;
  const annotated = readAnnotation(text);
  if (annotated !== null) return { direction: annotated, strength: "written", signed: true, remark: "" };
  if (!isShort) return null;

  const words = wordsOf(text);
  if (isDropBelow(words)) return { direction: "down", strength: "written", signed: true, remark: "" };
  const direction = readWords(words);
  if (direction === "both") return { direction: "down", strength: "headed", signed: false, remark: "" };
  if (direction !== null) {
    const named = words.some(({ kind }) => kind === "tool");
    const signed = isSigned(text, words);
    const strength = named || signed || hash ? "written" : "bare";
    return { direction, strength, signed: signed || hash || (named && /[:=]/.test(text)), remark: "" };
  }
  return text.includes("\n") ? null : readRemark(text, words);
}

/** `-- down: …`, `-- down (…)`, `-- down migration of the users`, `-- Revert shop:a from pg`. */
function readRemark(text: string, words: readonly Word[]): Reading | null {
  const separator = /\s*[:(\u2013\u2014]|\s+-+(?=\s)/.exec(text);
  if (separator !== null) {
    const head = readWords(wordsOf(text.slice(0, separator.index)));
    const remark = text.slice(separator.index + separator[0].length).trim();
    const strength = separator[0].trim() === ":" ? "headed" : "loose";
    if (head === "up" || head === "down") return { direction: head, strength, signed: false, remark };
  }
  const [first, second] = words;
  if (first?.kind !== "up" && first?.kind !== "down") return null;
  const rest = words.slice(1).map(({ word }) => word);
  const isVerb = VERBS.has(first.word);
  if (!isVerb && second?.kind === "section" && second.word.startsWith("migrat"))
    return { direction: first.kind, strength: "loose", signed: false, remark: rest.join(" ") };
  if (!isVerb && /^(?:to|the|from|by|and|in|on)$/.test(rest[0] ?? "")) return null;
  const remark = rest.filter((word) => !isVerb || (word !== "to" && word !== "from")).join(" ");
  return { direction: first.kind, strength: "mirrored", signed: false, remark };
}

/** The meaning of all words together. `null` if one of them is neither a direction nor the name of a tool or section. */
function readWords(words: readonly Word[]): Direction | "both" | null {
  if (words.some(({ kind }) => kind === "other")) return null;
  const at = words.findIndex(({ kind }) => kind === "up" || kind === "down");
  const first = words[at];
  if (first === undefined) return null;
  // "Undo 0004" and "Rollback of 0004" refer to another migration.
  const aboutAnother = words.slice(at + 1).some(({ kind, word }) => kind === "number" || word === "of");
  const named = words.some(({ kind }) => kind === "tool");
  if (VERBS.has(first.word) && aboutAnother && !named) return null;
  const meant = new Set(words.map(({ kind }) => kind).filter((kind) => kind === "up" || kind === "down"));
  return meant.size === 2 ? "both" : first.kind === "up" ? "up" : "down";
}

/** `migrate:down` and `+goose Down`, whatever follows them. */
function readAnnotation(text: string): Direction | null {
  const found =
    /^[\s\-*#/]*\+\s*(\p{L}+)\s*:?\s+(\p{L}+)/u.exec(text) ??
    /^[\s\-*#/!@+]*(\p{L}{3,12})\s*[:=]{1,2}\s*(\p{L}+)/u.exec(text);
  if (found === null) return null;
  const [, tool = "", word = ""] = found;
  if (kindOf(tool.toLowerCase()) !== "tool" && !/^migrations?$/i.test(tool)) return null;
  const direction = directionOf(word.toLowerCase());
  const isProse = VERBS.has(word.toLowerCase()) && text.slice(found[0].length).trim() !== "";
  return isProse ? null : direction;
}

/** `create above / drop below`. */
function isDropBelow(words: readonly Word[]): boolean {
  const said = words.map(({ word }) => word);
  return (
    said.includes("drop") &&
    said.some((word) => isNearly(word, "below")) &&
    said.every(
      (word) => ["create", "drop"].includes(word) || isNearly(word, "above") || isNearly(word, "below"),
    )
  );
}

function isSigned(text: string, words: readonly Word[]): boolean {
  const said = words.filter(({ kind }) => kind === "up" || kind === "down" || kind === "tool");
  const any = [...new Set(said.map(({ written }) => written))].join("|");
  return new RegExp(String.raw`[+@!%$&~^\[<{/\\]\s*(?:${any})`, "u").test(text);
}

interface Word {
  readonly word: string;
  /** The word as written in the comment. For a part of a joined word, the whole word. */
  readonly written: string;
  readonly kind: Kind;
}

type Kind = Direction | "tool" | "section" | "number" | "other";

function wordsOf(text: string): readonly Word[] {
  const joined = text.replace(/\b(roll)[ _-]+(back)/gi, "$1$2");
  return (joined.match(/\p{L}+|\p{N}+/gu) ?? []).flatMap((written) =>
    partsOf(written).map((word) => ({ word, written, kind: kindOf(word) })),
  );
}

/** `gooseDown` and `migratedown` are two words. */
function partsOf(written: string): readonly string[] {
  const word = written.toLowerCase();
  if (kindOf(word) !== "other" || word.length > 24) return [word];
  for (let at = 2; at < word.length - 1; at++) {
    const parts = [word.slice(0, at), word.slice(at)];
    const [left = "", right = ""] = parts;
    if ((JOINED.has(left) && isDirection(right)) || (isDirection(left) && JOINED.has(right))) return parts;
  }
  return written.split(/(?<=\p{Ll})(?=\p{Lu})/u).map((part) => part.toLowerCase());
}

const UP_WORDS = ["up", "ups", "upgrade", "forward", "forwards", "apply", "do", "deploy"];
const DOWN_WORDS = [
  ...["down", "downs", "undo", "rollback", "revert", "reverse", "downgrade", "backward", "backwards"],
  ...["unapply"],
];
/** With an object these verbs are prose: "Undo 0004". */
const VERBS = new Set(["apply", "do", "deploy", "undo", "rollback", "revert", "reverse", "unapply"]);
const TOOLS = new Set([
  ...["migrate", "goose", "micrate", "rambler", "migrondi", "dbmate", "sqlx", "dbdeploy", "godwit", "duck"],
  ...["pgmigrate", "knex", "atlas", "flyway", "tern", "umzug", "liquibase", "sqitch", "diesel", "prisma"],
]);
/** Words that may accompany the direction in a marker. */
const SECTIONS = new Set([
  ...["migration", "migrations", "sql", "script", "section", "part", "block", "begin", "start", "end", "of"],
  ...["transaction", "notransaction", "true", "false", "direction", "statements", "step", "name", "phase"],
  ...["region", "endregion", "begins", "starts", "ends", "here"],
]);
/** Words that people write together with a direction as one word. */
const JOINED = new Set([...TOOLS, "migration", "migrations", "section", "script"]);
/** Real words that are one letter away from a direction. */
const REAL_WORDS = new Set(["dawn", "unto", "apple", "reverb", "employ"]);

function kindOf(word: string): Kind {
  if (/^\p{N}+$/u.test(word)) return "number";
  if (TOOLS.has(word)) return "tool";
  if (SECTIONS.has(word)) return "section";
  const direction = directionOf(word);
  if (direction !== null) return direction;
  if (["migration", "migrations"].some((known) => isNearly(word, known))) return "section";
  return ["migrate", "goose"].some((known) => isNearly(word, known)) ? "tool" : "other";
}

/**
 * Whether an unknown word after `migrate:` may be meant as a direction. It is cut short, misspelt, contains a direction,
 * or says "back" in another word. `migrate:users` is a remark.
 */
export function resemblesDirection(written: string): boolean {
  const word = written.toLowerCase().slice(0, LONGEST);
  const parts = word.split(/[^\p{L}]+/u).filter((part) => part !== "");
  if (parts.length === 0) return true;
  if (parts.some((part) => BACK_WORDS.has(part) || directionOf(part) !== null)) return true;
  if (/down|undo|rollback|revert/.test(word)) return true;
  const known = [...DOWN_WORDS, "up"];
  return parts.some((part) =>
    known.some((one) => one.startsWith(part) || (one[0] === part[0] && distance(part, one) <= 2)),
  );
}

/** Other words for "back". No tool writes them, but people do. */
const BACK_WORDS = new Set(["back", "drop", "remove", "delete", "destroy", "reset", "restore", "clean"]);

function isDirection(word: string): boolean {
  return UP_WORDS.includes(word) || DOWN_WORDS.includes(word);
}

function directionOf(word: string): Direction | null {
  if (UP_WORDS.includes(word)) return "up";
  if (DOWN_WORDS.includes(word)) return "down";
  if (DOWN_WORDS.some((known) => isNearly(word, known))) return "down";
  return UP_WORDS.some((known) => isNearly(word, known)) ? "up" : null;
}

/**
 * Allows one letter too many, missing or wrong, or two swapped. The first letter must be right: it is rarely the wrong
 * one, and "town" is a word.
 */
function isNearly(word: string, known: string): boolean {
  if (word === known) return true;
  if (known.length < 4 || Math.abs(word.length - known.length) > 1 || word.length < 4) return false;
  if (REAL_WORDS.has(word) || word === `${known}s` || word === `${known}d`) return false;
  const isSwapped = word[0] === known[1] && word[1] === known[0];
  return (word[0] === known[0] || isSwapped) && distance(word, known) <= 1;
}
