/** A marker that does not count in a file of another tool. What is a comment to one tool ends the up section for another. */
import type { Direction } from "../../core/migration.ts";
import type { Problem } from "../../errors.ts";
import { placeOf } from "../place.ts";
import { oppositeMarker } from "../plain/markers.ts";
import type { Section } from "../plain/sections.ts";
import { falseMarker } from "../problems.ts";

const MARKS: readonly (readonly [tool: string, mark: RegExp])[] = [
  ["goose", /^--[^\n]*\+goose[ \t]+down\b/i],
  ["dbmate", /^--[ \t]*migrate:down\b/],
];

/** Checks the text that would run: a section, or a whole file. */
export function strayMark(
  { text, line }: Section,
  { layout, file, direction }: { layout: string; file: string; direction: Direction },
): Problem | null {
  const marker = oppositeMarker(text, { direction, counterpart: false });
  if (marker === null) return null;
  const inText = placeOf(file, text, columnOf(text, marker.start));
  const place = { ...inText, line: line + (inText.line ?? 1) - 1 };
  const tool = MARKS.find(([name, mark]) => name !== layout && mark.test(marker.line))?.[0];
  if (tool === undefined || direction === "down")
    return falseMarker(marker.line, { direction: marker.direction, runs: direction, place, layout });
  return {
    code: "LAYOUT_REFUSED",
    message: `${file} has \`${marker.line}\`, which means nothing to ${layout}: its way back would run with its way up.`,
    hint: `Run the folder as it was written: --layout ${tool}. Or remove the mark and what is below it.`,
    place,
    details: { layout, tool },
  };
}

function columnOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}
