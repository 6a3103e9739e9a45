/** Whether a statement is about secrets: then none of its literals is shown. */
import { fold, nextToken, type Token } from "./tokens.ts";

/** Names of settings, options and columns that hold a secret. */
export const SECRET_NAME =
  /(?:password|passwd|passphrase|pwd|secret|token|(?:private|api|access|encryption|secret|jwt)_?key)$/i;
const SECRET_WORD = new RegExp(SECRET_NAME.source.replace(/\$$/, "(?!\\w)"), "i");

/** Whether a text contains the name of a column or a setting that sounds like a secret. */
export function namesSecret(text: string): boolean {
  return SECRET_WORD.test(text);
}

/**
 * Whether literals of a statement may be secret: it names something that is called like a secret, or it inserts into
 * columns that it does not name. What the server quotes of it and what an excerpt shows of it are decided by this alone.
 */
export function isAboutSecrets(statement: string): boolean {
  return namesSecret(statement) || insertsUnnamed(statement, 0);
}

const STARTS_ROWS: ReadonlySet<string> = new Set(["values", "select", "with", "table"]);
/** `INSERT INTO users VALUES (…)`, also of a `MERGE` and in a body. */
function insertsUnnamed(text: string, depth: number): boolean {
  if (!/insert/i.test(text)) return false;
  let where: "outside" | "insert" | "into" | "bracket" = "outside";
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
    const written = text.slice(token.start, token.end);
    if (token.kind === "comment") continue;
    if (token.kind === "dollar") {
      const { start, end } = contentOf(token, written);
      if (depth < DEEPEST && insertsUnnamed(written.slice(start, end), depth + 1)) return true;
    }
    const word = token.kind === "word" ? fold(written) : "";
    if (word === "insert") where = "insert";
    else if (where === "outside") continue;
    else if (STARTS_ROWS.has(word)) return true;
    else if (word === "default" || written === ";" || where === "bracket") where = "outside";
    else if (word === "into") where = "into";
    else if (written === "(") where = "bracket";
  }
  return false;
}

/** How deep a body in a body is looked into. */
export const DEEPEST = 3;

/** What stands between the quotes of a literal. Offsets count UTF-16 units, from its start. */
export function contentOf({ kind, terminated }: Token, written: string): { start: number; end: number } {
  const open = kind === "dollar" ? written.indexOf("$", 1) + 1 : written.indexOf("'") + 1;
  const tail = kind === "dollar" ? open : 1;
  return { start: open, end: Math.max(open, written.length - (terminated ? tail : 0)) };
}
