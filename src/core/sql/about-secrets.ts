/** Whether a statement is about secrets: then none of its literals is shown. */
import { fold, nextToken, type Token } from "./tokens.ts";

/** `password`, `api_key`, `"Pass Word"`, `tokens`, `password_hash`: the words of a name that holds a secret. */
const NAME =
  "(?:pass[ _-]?(?:word|wd|phrase|code)|pwd|secret|token|credential|(?:private|api|access|encryption|secret|jwt|signing|master|service|session|auth)[ _-]?key)s?(?:[ _-]?(?:hash|digest|salt|value|plain|clear|old|new|command|[0-9]{1,3}))?";
/** Names of settings, options and columns that hold a secret. */
export const SECRET_NAME = new RegExp(`${NAME}$`, "i");
const SECRET_WORD = new RegExp(`${NAME}(?!\\w)`, "i");

/** Whether a text contains the name of a column or a setting that sounds like a secret. */
export function namesSecret(text: string): boolean {
  return SECRET_WORD.test(text);
}

/**
 * Whether literals of a statement may be secret. It names something that is called like a secret, or gives a value to
 * a setting of the application's own, or inserts into columns that it does not name. This alone decides what an excerpt
 * shows of the statement, and what the server may quote of it.
 */
export function isAboutSecrets(statement: string): boolean {
  return namesSecret(statement) || setsOwnSetting(statement) || insertsUnnamed(statement, 0);
}

/** `SET app.x = …`, `ALTER SYSTEM SET app.x TO …`, `set_config('app.x', …)`: only extensions and applications have dots. */
function setsOwnSetting(text: string): boolean {
  if (!/\bset/i.test(text)) return false;
  let state: "outside" | "set" | "name" | "dot" | "own" | "call" | "argument" = "outside";
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
    const written = text.slice(token.start, token.end);
    const isName = token.kind === "word" || token.kind === "quoted";
    const word = token.kind === "word" ? fold(written) : "";
    if (state === "own" && (written === "=" || word === "to")) return true;
    if (state === "argument" && token.kind === "string" && written.includes(".")) return true;
    if ((token.kind === "dollar" || token.kind === "string") && SETS_OWN.test(written)) return true;
    if (word === "set") state = "set";
    else if (word === "set_config") state = "call";
    else if (state === "call" && written === "(") state = "argument";
    else if (state === "set" && (word === "local" || word === "session")) state = "set";
    else if (isName && (state === "set" || state === "dot")) state = state === "dot" ? "own" : "name";
    else if (written === "." && (state === "name" || state === "own")) state = "dot";
    else state = "outside";
  }
  return false;
}

/** The same in the text of a body or of a statement that a body runs. */
const SETS_OWN =
  /\bset\s{1,20}(?:(?:local|session)\s{1,20})?[\w"]{1,64}\.[\w".]{1,200}\s{0,20}(?:=|to\b)|\bset_config\s{0,20}\(\s{0,20}'{1,2}[^'.]{1,64}\./i;

const STARTS_ROWS: ReadonlySet<string> = new Set(["values", "select", "with", "table"]);
/** `COPY users FROM …` */
const COPIES_UNNAMED = /\bcopy\s{1,20}(?:[\w$.]|"[^"]{1,100}"){1,140}\s{1,20}from\b/i;

/** `INSERT INTO users VALUES (…)`, also of a `MERGE` and in a body. */
function insertsUnnamed(text: string, depth: number): boolean {
  if (COPIES_UNNAMED.test(text)) return true;
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
