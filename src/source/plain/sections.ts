/**
 * One file with both directions: `-- migrate:up` and `-- migrate:down` (dbmate). `-- +goose Up`/`Down` and `-- +migrate
 * Up`/`Down` mean the same. Without any marker the whole text is the way up. If a marker is nearly right, the file is
 * refused.
 */
import type { Direction } from "../../core/migration.ts";
import type { Problem } from "../../errors.ts";
import { nearest } from "../../std/nearest.ts";
import { commentsOf, isOwnLine } from "../comments.ts";
import { firstStatement } from "../header.ts";
import { placeAt } from "../place.ts";
import { falseMarker } from "../problems.ts";
import { resemblesDirection } from "./marker-words.ts";
import { declaresNoSections, type Marker, markersIn, oppositeMarker } from "./markers.ts";

export interface Section {
  readonly text: string;
  /** The line of the file on which `text` starts, from 1. */
  readonly line: number;
  /** What its marker says about the transaction, if anything. */
  readonly transaction: boolean | undefined;
}

export interface Sections {
  readonly up: Section;
  /** `null`: there is none, or it does nothing. */
  readonly down: Section | null;
  readonly problems: readonly Problem[];
}

/** Cuts a canonical text. Never throws: faults go into `problems`. */
export function parseSections(text: string, file: string): Sections {
  const whole = { up: { text, line: 1, transaction: undefined }, down: null };
  const found = markersIn(text);
  const problems: Problem[] = [];
  const counted: SectionMarker[] = [];
  const written: Marker[] = [];
  for (const marker of found) {
    const match = SECTION.exec(marker.line);
    if (match !== null && isOwnLine(text, marker.start))
      counted.push(readMarker(match, { text, file, problems, offset: marker.start }));
    else if (marker.strength === "written") written.push(marker);
  }
  if (declaresNoSections(text)) {
    const [marker] = counted;
    return { ...whole, problems: marker === undefined ? [] : [contradiction(marker, { text, file })] };
  }
  problems.push(...falseAmong(written, counted, { text, file }));
  for (const { start, line } of counted.length === 1 ? unknownMarkers(text) : []) {
    const place = placeAt(file, text, start);
    problems.push(falseMarker(line, { direction: null, runs: "up", place, cut: true }));
  }
  const problem = (offset: number, message: string, hint: string) =>
    problems.push({
      code: "SOURCE_PARSE",
      message: `${file} ${message}`,
      hint,
      place: placeAt(file, text, offset),
    });

  const [first, second, third] = counted;
  if (first === undefined) {
    problems.push(...mixedUp({ file, text, from: 0 }, whole.up, { direction: "up", counterpart: false }));
    return { ...whole, problems };
  }
  const misspelt = found.find(({ direction, end }) => direction === "up" && end <= first.offset);
  const beforeUp = firstStatement(text);
  const isAbove = beforeUp < first.offset;
  const surplus = second?.direction === "up" ? second : third;
  if (first.direction === "down" && misspelt !== undefined) {
    const place = placeAt(file, text, misspelt.start);
    problems.push(falseMarker(misspelt.line, { direction: "up", runs: "up", place, cut: true }));
  } else if (first.direction === "down" && isAbove && surplus === undefined)
    problem(
      beforeUp,
      `has a statement above ${first.name} and no up section that it belongs to.`,
      `Write the line \`-- migrate:up\` above it, if it belongs to the way up.`,
    );
  else if (isAbove)
    problem(
      beforeUp,
      `has a statement before ${first.name}, which would never run.`,
      "Move it below the marker.",
    );
  else if (first.direction === "down")
    problem(
      first.offset,
      `has ${first.name} before any up section.`,
      surplus === undefined
        ? "Write the line `-- migrate:up` and the statements of the way up above it."
        : "Put the up section first.",
    );
  else if (surplus !== undefined)
    problem(surplus.offset, `has ${surplus.name} a second time.`, "Keep one section for each direction.");
  const up = cut(text, first, second?.offset);
  const down = second && cut(text, second, third?.offset);
  const reverts = down !== undefined && firstStatement(down.text) < down.text.length;
  if (problems.length === 0) {
    const counterpart = second === undefined;
    problems.push(...mixedUp({ file, text, from: first.end }, up, { direction: "up", counterpart }));
    if (second !== undefined && down !== undefined)
      problems.push(
        ...mixedUp({ file, text, from: second.end }, down, { direction: "down", counterpart: false }),
      );
  }
  return { up, down: reverts ? down : null, problems };
}

/**
 * Finds markers that do not count but look as if they should. Without a valid marker, these are all markers that only a
 * tool would write. Otherwise, they are markers inside a section that name the other direction. The most harmful come
 * first.
 */
function falseAmong(
  written: readonly Marker[],
  counted: readonly SectionMarker[],
  { text, file }: { readonly text: string; readonly file: string },
): readonly Problem[] {
  const down = counted.find(({ direction }) => direction === "down")?.offset ?? text.length;
  const runsOf = ({ start }: Marker): Direction => (start < down ? "up" : "down");
  const isHarmful = (marker: Marker) => marker.direction !== runsOf(marker);
  const harmful = written.filter(isHarmful);
  const others = counted.length > 0 ? [] : written.filter((marker) => marker.signed && !isHarmful(marker));
  return [...harmful, ...others].map((marker) =>
    falseMarker(marker.line, {
      direction: marker.direction,
      runs: runsOf(marker),
      place: placeAt(file, text, marker.start),
      cut: counted.length > 0,
    }),
  );
}

/** Reports a file that has sections and says that it has none. Run as a whole, it would apply and revert. */
function contradiction(
  { name, offset }: SectionMarker,
  { text, file }: { readonly text: string; readonly file: string },
): Problem {
  return {
    code: "SOURCE_MARKER",
    message: `${file} says \`sections=none\` and has the section marker \`${name}\`.`,
    hint: "Remove `sections=none`. If it is there because of a comment that looks like a marker, reword the comment.",
    place: placeAt(file, text, offset),
    details: { line: name, runs: "up", sections: true },
  };
}

/** Finds text in a section that belongs to the other one. */
function mixedUp(
  { file, text, from }: { file: string; text: string; from: number },
  section: Section,
  { direction, counterpart }: { direction: Direction; counterpart: boolean },
): readonly Problem[] {
  const marker = oppositeMarker(section.text, { direction, counterpart });
  if (marker === null || marker.strength === "written") return [];
  const place = placeAt(file, text, from + marker.start);
  return [falseMarker(marker.line, { direction: marker.direction, runs: direction, place, cut: from > 0 })];
}

/** The form of a marker in our own files. */
const SECTION = /^(--[ \t]*(?:migrate:|\+goose[ \t]+|\+migrate[ \t]+)(up|down))\b(.*)$/i;

/** Our own marker with a word that may be meant as a direction, and nothing after it, if the other section is missing. */
function* unknownMarkers(text: string): Generator<{ readonly start: number; readonly line: string }> {
  if (!/migrate:(?!(?:up|down)\b)/i.test(text)) return;
  const known = new Set(markersIn(text).map(({ start }) => start));
  for (const { start, end } of commentsOf(text).comments) {
    const line = text.slice(start, Math.min(end, start + 200));
    const word = /^--[ \t]*migrate:((?!(?:up|down)\b)\S*)[ \t]*$/i.exec(line)?.[1];
    if (word === undefined || known.has(start) || !isOwnLine(text, start)) continue;
    if (resemblesDirection(word)) yield { start, line: line.trim() };
  }
}

interface SectionMarker {
  readonly name: string;
  readonly direction: string;
  readonly offset: number;
  readonly end: number;
  readonly transaction: boolean | undefined;
}

function readMarker(
  match: RegExpExecArray,
  { text, file, problems, offset }: { text: string; file: string; problems: Problem[]; offset: number },
): SectionMarker {
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
        place: placeAt(file, text, offset + whole.length - options.length + option.index),
      });
    }
  }
  const lineEnd = text.indexOf("\n", offset);
  const end = lineEnd === -1 ? text.length : lineEnd + 1;
  return { name, direction: direction.toLowerCase(), offset, end, transaction };
}

function cut(text: string, marker: SectionMarker, until: number | undefined): Section {
  const line = text.slice(0, marker.end).split("\n").length;
  return { text: text.slice(marker.end, until), line, transaction: marker.transaction };
}
