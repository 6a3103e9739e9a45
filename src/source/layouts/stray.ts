/** A file of one tool under the layout of another: what one takes for a comment ends the way up for the other. */
import type { Problem } from "../../errors.ts";
import type { FileText } from "../layout.ts";
import { placeAt } from "../place.ts";

const MARKS: readonly (readonly [tool: string, mark: RegExp])[] = [
  ["goose", /^--[^\n]*\+goose[ \t]+down\b/im],
  ["dbmate", /^--[ \t]*migrate:down\b/m],
];

/** For a file that `layout` would run as a whole: its way back as well. */
export function strayMark(layout: string, { file, text }: FileText): Problem | null {
  for (const [tool, mark] of MARKS) {
    const found = mark.exec(text);
    if (found === null || tool === layout) continue;
    return {
      code: "LAYOUT_REFUSED",
      message: `${file} has \`${found[0]}\`, which means nothing to ${layout}: its way back would run with its way up.`,
      hint: `Run the folder as it was written: --layout ${tool}. Or remove the mark and what is below it.`,
      place: placeAt(file, text, found.index),
      details: { layout, tool },
    };
  }
  return null;
}
