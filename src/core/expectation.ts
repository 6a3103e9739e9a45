/** What a migration expects of its own work, asked before it is committed. Pure. */

export type Expectation =
  /** The rows that its transaction changes. `most` is `null` where there is no limit. */
  | { readonly kind: "rows"; readonly least: number; readonly most: number | null }
  /** A query with one answer, which must be true. */
  | { readonly kind: "query"; readonly text: string };

/** What an expectation looks like, for messages. */
export const EXPECTATION_FORMS =
  '`rows=1..500`, `rows=3`, `rows=1..`, or a query with one answer in quotes: "select count(*) = 0 from t"';

/** Reads `rows=1..500`, or a query. `null`: it is neither. */
export function parseExpectation(text: string): Expectation | null {
  const written = text.trim();
  if (/^rows\s*=/i.test(written)) return parseRange(written.replace(/^rows\s*=\s*/i, ""));
  const query = written.replace(/(?:;|\s)+$/, "");
  return /^(?:select|with|values|table)\b|^\(/i.test(query) ? { kind: "query", text: query } : null;
}

function parseRange(range: string): Expectation | null {
  const [, least, dots, most] = /^(\d{0,15})(\.\.)?(\d{0,15})$/.exec(range) ?? [];
  if (least === undefined || (least === "" && !most)) return null;
  const from = Number(least);
  const to = dots === undefined ? from : most ? Number(most) : null;
  return to !== null && to < from ? null : { kind: "rows", least: from, most: to };
}

/** As its author writes it. */
export function shownExpectation(expectation: Expectation): string {
  if (expectation.kind === "query") return `"${expectation.text}"`;
  const { least, most } = expectation;
  return `rows=${least === most ? least : `${least}..${most ?? ""}`}`;
}

/** Whether so many rows are as expected. */
export function isExpected({ least, most }: Expectation & { readonly kind: "rows" }, rows: number): boolean {
  return rows >= least && (most === null || rows <= most);
}
