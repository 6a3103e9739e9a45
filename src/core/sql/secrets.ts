/**
 * Finds secrets in SQL with the server's own lexer, so that no quoting and no comment hides one. In the author's own
 * SQL, only what is known to be secret is hidden, because the rest explains the error. In a stranger's query, every
 * literal is hidden.
 */
import { hidePasswords } from "../../std/passwords.ts";
import { codePointOffset, locate, utf16Offset } from "../../std/text.ts";
import { contentOf, DEEPEST, isAboutSecrets, SECRET_NAME } from "./about-secrets.ts";
import { identifierText, literalValue, uescaped } from "./literals.ts";
import { fold, nextToken, type Token } from "./tokens.ts";

/** The text between the quotes. Offsets count UTF-16 units. */
export interface SecretSpan {
  readonly start: number;
  readonly end: number;
  /** The value of the literal. `null` if only a part of it is secret. */
  readonly value: string | null;
}

/** The passwords and keys of a script, in order. `about`: it is about secrets, whatever it says. */
export function secretsOf(
  text: string,
  { about = false }: { readonly about?: boolean } = {},
): readonly SecretSpan[] {
  return collect(text, { base: 0, depth: 0, about });
}

/** The script without its secrets, on the same lines, and a function that maps offsets into it. */
export function hideSecrets(
  text: string,
  secrets: readonly SecretSpan[],
): { readonly text: string; readonly moved: (offset: number) => number } {
  const parts: string[] = [];
  const shifts: { readonly behind: number; readonly by: number }[] = [];
  let copied = 0;
  let by = 0;
  for (const { start, end } of secrets) {
    const breaks = text.slice(start, end).replace(/[^\r\n]+/g, "");
    parts.push(text.slice(copied, start), HIDDEN, breaks);
    by += HIDDEN.length + breaks.length - (end - start);
    shifts.push({ behind: end, by });
    copied = end;
  }
  const moved = (offset: number) => {
    const inside = secrets.find(({ start, end }) => start < offset && offset < end);
    const at = inside?.start ?? offset;
    return at + (shifts.findLast(({ behind }) => behind <= at)?.by ?? 0);
  };
  return { text: parts.join("") + text.slice(copied), moved };
}

/** The line at a position (in characters, from 1) without its secrets. The caret marks the same place as before. */
export function excerptAt(
  text: string,
  position: number,
  options: { firstLine?: number; about?: boolean } = {},
): string {
  const secrets = secretsOf(text, options);
  if (secrets.length === 0) return locate(text, position, options).excerpt;
  const shown = hideSecrets(text, secrets);
  const at = shown.moved(utf16Offset(text, Math.max(0, position - 1)));
  return locate(shown.text, codePointOffset(shown.text, at) + 1, options).excerpt;
}

/**
 * Somebody else's query on one line: words and names stay, each literal and number becomes `'***'`, comments go. The
 * server cuts long queries, so the last literal may be unterminated.
 */
export function hideLiterals(query: string): string {
  let shown = "";
  let end = 0;
  let secretWord = false;
  for (let token = nextToken(query, 0); token !== null; token = nextToken(query, end)) {
    const text = query.slice(token.start, token.end);
    const touches = token.start === end;
    shown += `${touches || shown === "" ? "" : " "}${secretWord && token.kind === "quoted" ? '"***"' : shapeOf(token, text)}`;
    secretWord = token.kind === "word" && SECRET_NAME.test(text);
    end = token.end;
    // If backslashes escape in plain literals, the lexer misreads everything that follows.
    if (token.kind === "string" && !/^e/i.test(text) && text.endsWith("\\'")) return `${shown} …`;
  }
  return shown;
}

const HIDDEN = "***";

function shapeOf({ kind, terminated }: Token, text: string): string {
  if (kind === "comment") return "/* … */";
  if (kind === "number") return HIDDEN;
  if (kind === "string") return `${text.slice(0, text.indexOf("'"))}'***${terminated ? "'" : ""}`;
  if (kind === "dollar") {
    const tag = text.slice(0, text.indexOf("$", 1) + 1);
    return `${tag}***${terminated ? tag : ""}`;
  }
  return kind === "quoted" && !terminated ? '"…' : text;
}

/** A text that is a body of statements. */
const HAS_BODY: ReadonlySet<string> = new Set(["do", "create", "alter"]);

/** What they are handed is a key, or the address of a server with its password. */
const SECRET_CALLS =
  /^(?:dblink\w*|pgp_(?:sym|pub)_\w+|crypt|hmac|encrypt|decrypt|encrypt_iv|decrypt_iv|create_secret|update_secret)$/;
/** Words that may stand between a name and its value. */
const ASSIGNS: ReadonlySet<string> = new Set(["to", "encrypted", "unencrypted"]);
const ROLE_VERBS: ReadonlySet<string> = new Set(["create", "alter"]);
const ROLES: ReadonlySet<string> = new Set(["role", "user", "group"]);
interface Context {
  /** The first words of the statement. */
  readonly head: string[];
  /** Inside `CREATE ROLE`, `ALTER USER` and the like, anywhere in a block. */
  role: boolean;
  /** Inside `ALTER ROLE … SET name`: from there on, the statement sets a setting. */
  sets: boolean;
  /** The enclosing function calls, innermost last. Parentheses of another kind are an empty string. */
  readonly calls: string[];
  /** The last word or literal that may be the name of what follows. */
  name: string;
  /** The word directly before this token. */
  before: string;
  /** What was declared since the last comma has a name like a secret: `secret text default '…'`. */
  declares: boolean;
  /** Its literals and comments that are secret only if it is about secrets, each with what is secret in it anyway. */
  readonly literals: { readonly inside: readonly SecretSpan[]; readonly anyway: readonly SecretSpan[] }[];
}

const beginning = (): Context => ({
  head: [],
  role: false,
  sets: false,
  calls: [],
  name: "",
  before: "",
  declares: false,
  literals: [],
});

interface Where {
  readonly base: number;
  readonly depth: number;
  readonly about: boolean;
}

function collect(text: string, { base, depth, about }: Where): SecretSpan[] {
  const found: SecretSpan[] = [];
  const mayBeAbout = about || isAboutSecrets(text);
  // What a body says of a value is far from where it has it.
  const whole = about || (depth > 0 && mayBeAbout);
  let context: Context = beginning();
  let begun = 0;
  let isAbout = false;
  // Which of its literals a column gets takes a parser to know.
  const settle = (end: number) => {
    isAbout = whole || (mayBeAbout && isAboutSecrets(text.slice(begun, end)));
    begun = end;
    for (const { inside, anyway } of context.literals)
      for (const each of isAbout ? inside : anyway) found.push(each);
  };
  // A former password may stand in a comment. On the line of a statement's end, it belongs to that statement.
  const passOver = (from: number, to: number) => {
    const comment = mayBeAbout ? commentIn(text, from, to) : null;
    if (comment === null) return;
    const span = { start: base + comment.start, end: base + comment.end, value: null };
    const isBehind = from === begun && !text.slice(from, comment.start).includes("\n");
    if (isBehind && isAbout) found.push(span);
    else context.literals.push({ inside: [span], anyway: [] });
  };
  let last = 0;
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
    const written = text.slice(token.start, token.end);
    passOver(last, token.start);
    last = token.end;
    switch (token.kind) {
      case "word": {
        const word = fold(written);
        if (context.before === "password" && context.role && word !== "null")
          found.push({ start: base + token.start, end: base + token.end, value: written });
        if (context.head.length < 2) context.head.push(word);
        context.declares ||= SECRET_NAME.test(word);
        context.role ||= ROLE_VERBS.has(context.before) && ROLES.has(word);
        context.sets ||= word === "set";
        if (!ASSIGNS.has(word)) context.name = word;
        context.before = word;
        break;
      }
      case "string":
      case "dollar": {
        const inner = contentOf(token, written);
        const span = (value: string | null) =>
          found.push({ start: base + token.start + inner.start, end: base + token.start + inner.end, value });
        const content = written.slice(inner.start, inner.end);
        if (isSecret(context)) span(literalValue(uescaped(text, token)));
        else if (context.calls.some((call) => SECRET_CALLS.test(call) || SECRET_NAME.test(call))) span(null);
        else {
          const start = base + token.start + inner.start;
          const all = { start, end: base + token.start + inner.end, value: null };
          const anyway =
            token.kind === "dollar" && depth < DEEPEST
              ? collect(content, { base: start, depth: depth + 1, about })
              : hidePasswords(content) !== content
                ? [all]
                : [];
          const isBody = token.kind === "dollar" && HAS_BODY.has(context.head[0] ?? "");
          const inside = isBody ? anyway : [all];
          if (mayBeAbout) context.literals.push({ inside, anyway });
          else for (const each of anyway) found.push(each);
        }
        // `set_config('app.secret', '…')`, `'password', '…'`
        context.name = content.length < 64 ? content : "";
        context.before = "";
        break;
      }
      case "quoted": {
        // A literal was meant. The server reads it as a name and quotes it in its error message.
        if (isSecretName(context, isRow(text, token))) {
          const start = token.start + written.indexOf('"') + 1;
          const end = Math.max(start, token.end - (token.terminated ? 1 : 0));
          const value = token.terminated ? identifierText(uescaped(text, token)) : written.slice(1);
          found.push({ start: base + start, end: base + end, value });
        }
        context.name = identifierText(uescaped(text, token));
        context.declares ||= SECRET_NAME.test(context.name);
        context.before = "";
        break;
      }
      case "number": {
        const span = { start: base + token.start, end: base + token.end, value: null };
        if (mayBeAbout) context.literals.push({ inside: [span], anyway: [] });
        context.name = "";
        context.before = "";
        break;
      }
      default:
        if (written === ";" && context.calls.length === 0) {
          settle(token.end);
          context = beginning();
        } else if (written === "(") context.calls.push(context.before);
        else if (written === ")") context.calls.pop();
        else if (!/^(?:,|=|:=|=>|\.|::)$/.test(written)) context.name = "";
        if (written === ",") context.declares = false;
        if (written !== ";") context.before = written === ":=" ? written : "";
    }
  }
  passOver(last, text.length);
  settle(text.length);
  return found.sort((one, other) => one.start - other.start);
}

/** The comments between two tokens, where nothing else is but white space: all of them as one, without their signs. */
function commentIn(text: string, from: number, to: number): { start: number; end: number } | null {
  const between = text.slice(from, to);
  const at = between.search(/--|\/\*/);
  if (at < 0) return null;
  const end = between.trimEnd().replace(/\*\/$/, "").length;
  return { start: from + at + 2, end: from + Math.max(at + 2, end) };
}

function isSecret(context: Context): boolean {
  if (context.before === "is" || context.before === "until") return false;
  if (SECRET_NAME.test(context.name)) return true;
  if (context.declares && (context.before === "default" || context.before === ":=")) return true;
  if (context.head[0] === "copy" && context.before === "program") return true;
  // The connection string of a subscription; `ALTER USER x ENCRYPTED '…'` and other forms that are nearly right.
  if (context.head[1] === "subscription") return context.before === "connection";
  return context.role && !context.sets && context.calls.length === 0;
}

/** `PASSWORD "…"` and `ENCRYPTED "…"` of a role, `SET app.secret TO "…"`, `VALUES ("…")` and `SET password = "…"`. */
function isSecretName(context: Context, isValue: boolean): boolean {
  const { role, sets, before, name, calls } = context;
  if (before !== "" && role && !sets)
    return before === "password" || before === "encrypted" || before === "unencrypted";
  if (sets && before === "to") return SECRET_NAME.test(name);
  return isValue && (calls.at(-1) === "values" || (calls.length === 0 && sets && SECRET_NAME.test(name)));
}

/** Whether a name stands alone where a value is expected: no column of a table, and no name of one that gets a value. */
function isRow(text: string, { start, end }: Token): boolean {
  return (
    /(?:\(|,|=)\s{0,99}$/.test(text.slice(Math.max(0, start - 100), start)) &&
    /^\s{0,99}[,);]|^\s{0,99}$/.test(text.slice(end, end + 100))
  );
}
