/**
 * Analyses a whole migration. Most migrations contain nothing special, which one pass over the tokens shows. Statements
 * are built only when they are asked for.
 */
import { classify, isTransactional, type StatementKind } from "./classify.ts";
import { accept } from "./cursor.ts";
import { literalValue, uescaped } from "./literals.ts";
import { type Statement, splitStatements } from "./statements.ts";
import { fold, nextToken, type TokenKind } from "./tokens.ts";

export interface AnalysedStatement extends Statement {
  readonly kind: StatementKind;
}

/** The first statement of each sort, or `null`. What follows a `COPY … FROM STDIN` is data and is not analysed. */
export interface Analysis {
  /** Built on first access. */
  readonly statements: readonly AnalysedStatement[];
  readonly transactionControl: AnalysedStatement | null;
  readonly copyFromStdin: AnalysedStatement | null;
  readonly psqlCommand: AnalysedStatement | null;
  /** A statement that the server refuses inside a transaction block. */
  readonly outside: AnalysedStatement | null;
  /** A statement with a literal equal to an enum value that an earlier statement adds. One transaction cannot do both. */
  readonly usesNewEnumValue: AnalysedStatement | null;
  /** The text holds only comments, white space and `;`. */
  readonly empty: boolean;
  /** The token that the end of the text cuts off, and where it began (in UTF-16 units). */
  readonly unterminated: { readonly what: string; readonly offset: number } | null;
}

/** Never throws. Pass the canonical text: lines and offsets refer to what you pass. */
export function analyse(text: string): Analysis {
  const glance = glanceAt(text);
  let statements: readonly AnalysedStatement[] | undefined;
  const all = () => {
    statements ??= splitStatements(text).map((statement) => ({ ...statement, kind: classify(statement) }));
    return statements;
  };
  return {
    get statements() {
      return all();
    },
    ...(glance.remarkable ? findings(all(), glance.unterminated) : NOTHING),
    ...(glance.remarkable ? {} : { unterminated: glance.unterminated }),
    empty: glance.empty,
  };
}

type Findings = Omit<Analysis, "statements" | "empty">;

const NOTHING: Findings = {
  transactionControl: null,
  copyFromStdin: null,
  psqlCommand: null,
  outside: null,
  usesNewEnumValue: null,
  unterminated: null,
};

interface Glance {
  /** A statement may be other than ordinary. */
  readonly remarkable: boolean;
  readonly empty: boolean;
  readonly unterminated: Analysis["unterminated"];
}

function glanceAt(text: string): Glance {
  let remarkable = false;
  let empty = true;
  let unterminated: Analysis["unterminated"] = null;
  let startsStatement = true;
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
    const separates = token.kind === "punctuation" && text[token.start] === ";";
    if (!separates) empty = false;
    if (!token.terminated) unterminated = { what: WHAT[token.kind] ?? token.kind, offset: token.start };
    if (!remarkable && token.kind === "word") {
      const words = startsStatement ? FIRST_WORDS : LATER_WORDS;
      remarkable = words.has(fold(text.slice(token.start, token.end)));
    } else if (startsStatement && text[token.start] === "\\") remarkable = true;
    startsStatement = separates;
  }
  return { remarkable, empty, unterminated };
}

/** Every statement that is not ordinary starts with one of these words, or contains one of the words below. */
const FIRST_WORDS: ReadonlySet<string> = new Set(
  "abort begin cluster commit copy discard do end prepare reindex repack rollback start vacuum".split(" "),
);
const LATER_WORDS: ReadonlySet<string> = new Set(
  "concurrently database finalize subscription system tablespace value".split(" "),
);

const WHAT: Partial<Readonly<Record<TokenKind, string>>> = {
  string: "string",
  quoted: "quoted name",
  dollar: "dollar-quoted string",
  comment: "comment",
};

function findings(
  statements: readonly AnalysedStatement[],
  unterminated: Analysis["unterminated"],
): Findings {
  const found: { -readonly [Key in keyof Findings]: Findings[Key] } = { ...NOTHING };
  const added = new Set<string>();
  for (const statement of statements) {
    const { kind } = statement;
    if (kind.kind === "copy-from-stdin") {
      found.copyFromStdin = statement;
      break;
    }
    if (kind.kind === "psql-command") found.psqlCommand ??= statement;
    else if (kind.kind === "transaction-control") found.transactionControl ??= statement;
    else if (!isTransactional(kind)) found.outside ??= statement;
    if (kind.kind === "add-enum-value") added.add(kind.value);
    else if (added.size > 0 && hasLiteral(statement.text, added)) found.usesNewEnumValue ??= statement;
  }
  // A quote opens nothing in data or in the arguments of a psql command.
  const foreign = [found.copyFromStdin, found.psqlCommand].some(
    (statement) => statement !== null && unterminated !== null && statement.start < unterminated.offset,
  );
  return { ...found, unterminated: foreign ? null : unterminated };
}

/** Also searches bodies that the server parses at once: those of `DO` and of SQL functions. */
function hasLiteral(text: string, values: ReadonlySet<string>): boolean {
  const deep = accept({ text, at: 0 }, "do") || isSqlRoutine(text);
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
    if (token.kind !== "string" && token.kind !== "dollar") continue;
    const value = literalValue(uescaped(text, token));
    if (values.has(value) || (deep && hasNestedLiteral(value, values))) return true;
  }
  return false;
}

function hasNestedLiteral(body: string, values: ReadonlySet<string>): boolean {
  for (let token = nextToken(body, 0); token !== null; token = nextToken(body, token.end)) {
    if (token.kind !== "string" && token.kind !== "dollar") continue;
    const value = literalValue(uescaped(body, token));
    if (values.has(value) || hasNestedLiteral(value, values)) return true;
  }
  return false;
}

function isSqlRoutine(text: string): boolean {
  if (!accept({ text, at: 0 }, "create")) return false;
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
    const cursor = { text, at: token.start };
    if (!accept(cursor, "language")) continue;
    const name = nextToken(text, cursor.at);
    return name !== null && /^["']?sql["']?$/i.test(text.slice(name.start, name.end));
  }
  return false;
}
