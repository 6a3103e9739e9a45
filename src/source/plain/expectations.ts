/** The line `-- godwit: expect …`. It is one expectation: rows, or a query in quotes. */
import { EXPECTATION_FORMS, type Expectation, parseExpectation } from "../../core/expectation.ts";
import { detach } from "../../std/detach.ts";

export interface ExpectLine {
  /** `null`: it cannot be read. */
  readonly expectation: Expectation | null;
  readonly message: string;
  readonly hint: string;
}

/** `null`: the words of the line are about something else. */
export function readExpectLine(words: string): ExpectLine | null {
  const found = /^[ \t]*expect(?:[ \t=]+(.*?))?[ \t]*$/i.exec(words);
  if (found === null) return null;
  const written = detach(found[1] ?? "");
  const query = /^"(.*)"$/.exec(written)?.[1];
  const expectation =
    query === undefined && !/^rows/i.test(written) ? null : parseExpectation(query ?? written);
  return {
    expectation,
    message: `\`expect\` cannot be \`${written}\``,
    hint: `Expected: ${EXPECTATION_FORMS}.`,
  };
}
