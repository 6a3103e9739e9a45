/**
 * PostgreSQL's text of a composite value, such as `(1,"a ""b""",)`, as the texts of its columns. The text of no column and that
 * of a single NULL are the same, so the number of columns is needed.
 */
export function readComposite(text: string, count: number): (string | null)[] {
  if (count === 0) return [];
  const columns: (string | null)[] = [];
  let at = 1;
  for (;;) {
    let value: string | null = null;
    for (; at < text.length && text[at] !== "," && text[at] !== ")"; ) {
      value ??= "";
      if (text[at] !== '"') {
        if (text[at] === "\\") at++;
        value += text[at++];
        continue;
      }
      for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
        if (at >= text.length) throw new Error("The server's text of a row has no end.");
        if (text[at] === "\\" || text[at] === '"') at++;
        value += text[at];
      }
      at++;
    }
    columns.push(value);
    if (text[at] !== ",") return columns;
    at++;
  }
}
