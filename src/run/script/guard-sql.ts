/** What the guards of a script share. */
import type { Relation, Tool } from "../../tools/tool.ts";
import { type Mirror, PRESENT_SQLSTATE } from "../mirror/mirror.ts";

/** A placeholder in a query for the table that the script finds. */
export const ANY = { schema: "godwit:schema", name: "godwit:table" };

/** Both are expressions. */
export function raisePresent(message: string, hint: string): string {
  return `raise exception using errcode = '${PRESENT_SQLSTATE}', message = ${message}, hint = ${hint};`;
}

/** In the loop over remembered tables: the row of this revision, an expression, is gone. */
export function raiseTakenBack(revision: string): string {
  return raisePresent(
    `${revision} || ' was in the history of ' || place.title || ' (' || place.history || ') and is no longer there: somebody took it back there, or removed its row'`,
    `'Look at the database. If it was taken back: \`godwit repair --forget ' || ${revision} || '\`. If it is still there: \`godwit repair --mark-done ' || ${revision} || '\`.'`,
  );
}

export function columnsOf(tool: Tool, mirror: Mirror | null): Relation["columns"] {
  return mirror?.table.columns ?? tool.writer?.create([], null).table.columns ?? {};
}

export function block(body: string): string {
  let tag = "$guard$";
  while (body.includes(tag)) tag = `$g${tag.slice(1)}`;
  return `do ${tag} declare place record; asked record; found boolean; fresh boolean; wholly boolean; texts text[]; numbers text[]; begin${body}\nend ${tag};`;
}
