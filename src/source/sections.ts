/**
 * One file, both directions: `-- migrate:up` and `-- migrate:down` (dbmate), `-- +goose Up`/`Down` and
 * `-- +migrate Up`/`Down` mean the same. Without any marker the whole text is the way up.
 */
import type { Problem } from "../errors.ts";
import { nearest } from "../std/nearest.ts";
import { firstStatement } from "./header.ts";
import { placeAt } from "./place.ts";

export interface Section {
  readonly text: string;
  /** The line of the file on which `text` starts, from 1. */
  readonly line: number;
  /** What its marker says, if anything. */
  readonly transaction: boolean | undefined;
}

export interface Sections {
  readonly up: Section;
  /** `null`: there is none, or it does nothing. */
  readonly down: Section | null;
  readonly problems: readonly Problem[];
}

/** Cuts a canonical text. Never throws; what is wrong is in `problems`. */
export function parseSections(text: string, file: string): Sections {
  const problems: Problem[] = [];
  const markers = [...text.matchAll(MARKER)].map((match) => readMarker(match, { text, file, problems }));
  const problem = (offset: number, message: string, hint: string) =>
    problems.push({
      code: "SOURCE_PARSE",
      message: `${file} ${message}`,
      hint,
      place: placeAt(file, text, offset),
    });

  for (const match of text.matchAll(MISSPELT))
    problem(
      match.index,
      `has the marker \`${match[0].trim()}\`, which is not known.`,
      "Known: -- migrate:up, -- migrate:down.",
    );
  const [first, second, third] = markers;
  if (first === undefined) return { up: { text, line: 1, transaction: undefined }, down: null, problems };
  const beforeUp = firstStatement(text);
  if (beforeUp < first.offset)
    problem(
      beforeUp,
      `has a statement before ${first.name}, which would never run.`,
      "Move it below the marker.",
    );
  const surplus = second?.direction === "up" ? second : third;
  if (first.direction === "down")
    problem(first.offset, `has ${first.name} before any up section.`, "Put the up section first.");
  else if (surplus !== undefined)
    problem(surplus.offset, `has ${surplus.name} a second time.`, "Keep one section for each direction.");
  const down = second && cut(text, second, third?.offset);
  const reverts = down !== undefined && firstStatement(down.text) < down.text.length;
  return { up: cut(text, first, second?.offset), down: reverts ? down : null, problems };
}

const MARKER = /^[ \t]*(--[ \t]*(?:migrate:|\+goose[ \t]+|\+migrate[ \t]+)(up|down))\b(.*)$/gim;

/** Would pass for a comment, and the way down would run as part of the way up. */
const MISSPELT = /^[ \t]*--[ \t]*migrate:(?!(?:up|down)\b).*$/gim;

interface Marker {
  readonly name: string;
  readonly direction: string;
  readonly offset: number;
  readonly end: number;
  readonly transaction: boolean | undefined;
}

function readMarker(
  match: RegExpExecArray,
  { text, file, problems }: { text: string; file: string; problems: Problem[] },
): Marker {
  const [whole, name = "", direction = "", options = ""] = match;
  let transaction: boolean | undefined;
  for (const option of options.matchAll(/\S+/g)) {
    if (option[0] === "transaction:false" || option[0] === "notransaction") transaction = false;
    else if (option[0] === "transaction:true") transaction = true;
    else {
      const meant = nearest(option[0], ["transaction:false", "transaction:true"]);
      problems.push({
        code: "SOURCE_DIRECTIVE_UNKNOWN",
        message: `${file} has \`${option[0]}\` behind ${name}, which means nothing.`,
        hint:
          meant === undefined ? "Known: transaction:false, transaction:true." : `Did you mean \`${meant}\`?`,
        place: placeAt(file, text, match.index + whole.length - options.length + option.index),
      });
    }
  }
  const end = Math.min(match.index + whole.length + 1, text.length);
  return { name, direction: direction.toLowerCase(), offset: match.index, end, transaction };
}

function cut(text: string, marker: Marker, until: number | undefined): Section {
  const line = text.slice(0, marker.end).split("\n").length;
  return { text: text.slice(marker.end, until), line, transaction: marker.transaction };
}
