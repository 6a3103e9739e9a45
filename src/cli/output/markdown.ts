/** What others wrote, as text of a Markdown document. */

/** In a table, a bar ends the cell even within code. */
export function code(words: string): string {
  const flat = words.replace(/\s+/g, " ").trim();
  if (flat === "") return "";
  const longest = Math.max(0, ...[...flat.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  const pad = flat.startsWith("`") || flat.endsWith("`") ? " " : "";
  return `${fence}${pad}${flat.replaceAll("|", "\\|")}${pad}${fence}`;
}

/** Makes no table, link, mention or tag. */
export function text(words: string): string {
  return words
    .replace(/\s+/g, " ")
    .replace(/[\\`*_[\]|#~]/g, "\\$&")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll("@", "&#64;");
}
