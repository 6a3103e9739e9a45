/** Holds our own lexer, splitter and classifier against PostgreSQL's parser, on the files in `fixtures/sql`. */
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { loadModule, type Node, parse, type RangeVar, scan } from "libpg-query";
import { beforeAll, describe, expect, test } from "vitest";
import { classify } from "../src/core/sql/classify.ts";
import type { Name } from "../src/core/sql/cursor.ts";
import { splitStatements } from "../src/core/sql/statements.ts";
import { tokenize } from "../src/core/sql/tokens.ts";

const folder = new URL("fixtures/sql/", import.meta.url);
const files = readdirSync(folder).sort();
const read = (file: string) => readFileSync(new URL(file, folder), "utf8");

beforeAll(loadModule);

describe.each(files)("%s", (file) => {
  const text = read(file);

  test("has the tokens that PostgreSQL sees", async () => {
    const expected = (await scannedTokens(text)).map(({ start, end }) => inBytes(text).slice(start, end));
    expect(tokenize(text).map(({ start, end }) => text.slice(start, end))).toEqual(
      expected.map((bytes) => bytes.toString("utf8")),
    );
  });

  test("is split where PostgreSQL splits it", async () => {
    const expected = (await parsed(text)).map((statement) => statement.text);
    expect(splitStatements(text).map((statement) => statement.text)).toEqual(expected);
  });

  test("is split the same with CRLF", async () => {
    const crlf = text.replaceAll("\n", "\r\n");
    const expected = (await parsed(crlf)).map((statement) => statement.text);
    expect(splitStatements(crlf).map((statement) => statement.text)).toEqual(expected);
  });

  test("is classified as its syntax tree says", async () => {
    const expected = (await parsed(text)).map(({ text, node }) => ({ text, ...kindOf(node) }));
    const ours = splitStatements(text).map((statement) => ({ text: statement.text, ...factsOf(statement) }));
    expect(ours).toEqual(expected);
  });
});

test("the files hold enough to judge by, and every kind", () => {
  const statements = files.flatMap((file) => splitStatements(read(file)));
  expect(statements.length).toBeGreaterThan(250);
  const kinds = new Set(statements.map((statement) => classify(statement).kind));
  // PostgreSQL's parser knows no commands of psql, so one more kind has its tests elsewhere.
  expect(kinds.size).toBe(12);
});

// Its scanner was changed to show comments, so it ends a literal at a comment where a server reads on:
// line breaks and line comments are kept apart here.
test.each([
  ["line breaks", ["\n", "\r\n", " \n\t"]],
  ["line comments", ["--", "-- '", "---"]],
])("any fragments with %s have the tokens that PostgreSQL sees", async (_, some) => {
  const fragment = fc.oneof(fc.constantFrom(...FRAGMENTS), fc.constantFrom(...some));
  let judged = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fragment, { maxLength: 14 }), async (fragments) => {
      const text = fragments.join("");
      const spans = await scannedTokens(text).catch(() => null);
      if (spans === null) return;
      judged++;
      const bytes = inBytes(text);
      expect(tokenize(text).map(({ start, end }) => text.slice(start, end))).toEqual(
        spans.map(({ start, end }) => bytes.toString("utf8", start, end)),
      );
    }),
    { numRuns: 3000 },
  );
  expect(judged).toBeGreaterThan(300);
});

const FRAGMENTS = [
  ..."a E e U& n x' b' ' '' \" \"\" $ $$ $a$ $a $1 1 1. .5 1..2 1e5 1_0 0x1f \\ \\' /* */ /**/ /*/ */*".split(
    " ",
  ),
  ..."; ( ) [ ] , . : :: := .. @ - + -+ * / % ^ < > <> != => ->> | ? # ~ & = é 😀 \u00a0".split(" "),
  ...[" ", "\t", "'a'", "E'\\''", "$$;$$", '"a"', "/* x */", "/* /* */ */"],
];

interface Span {
  readonly start: number;
  readonly end: number;
}

function inBytes(text: string): Buffer {
  return Buffer.from(text, "utf8");
}

async function scannedTokens(text: string): Promise<readonly Span[]> {
  const { tokens } = await scan(text);
  return tokens.filter((token) => token.tokenName !== "SQL_COMMENT" && token.tokenName !== "C_COMMENT");
}

/** The statements by the parser, from their first token to their last by the scanner. */
async function parsed(text: string): Promise<readonly { text: string; node: Node }[]> {
  const tokens = await scannedTokens(text);
  const bytes = inBytes(text);
  const { stmts = [] } = await parse(text);
  return stmts.map(({ stmt, stmt_location: from = 0, stmt_len: length }) => {
    const to = length ? from + length : bytes.length;
    // An empty statement in front of a statement belongs to its location.
    const own = tokens.filter((token) => token.start >= from && token.end <= to);
    while (own[0] && bytes.toString("utf8", own[0].start, own[0].end) === ";") own.shift();
    const [first, last] = [own[0], own.at(-1)];
    if (!stmt || !first || !last) throw new Error(`a statement without tokens at byte ${from}`);
    return { text: bytes.toString("utf8", first.start, last.end), node: stmt };
  });
}

/** Our kind without what the syntax tree does not hold in the same way. */
function factsOf(statement: { readonly text: string }): object {
  const kind = classify(statement);
  // The body of a block is a string to the parser.
  if (kind.kind === "commits-itself") return ORDINARY;
  return kind.kind === "outside" ? { kind: kind.kind, name: kind.name?.name ?? null } : kind;
}

const ORDINARY = { kind: "ordinary" };

/** What `classify` must say, told by the syntax tree alone. */
function kindOf(node: Node): object {
  if ("TransactionStmt" in node) {
    const kind = node.TransactionStmt.kind;
    const verb = TRANSACTION_VERBS[String(kind)];
    return verb === undefined ? ORDINARY : { kind: "transaction-control", verb: expect.toSatisfy(verb) };
  }
  if ("IndexStmt" in node && node.IndexStmt.concurrent) {
    const { idxname, relation, unique = false, if_not_exists: ifNotExists = false } = node.IndexStmt;
    const table = relationName(relation);
    const index = idxname ? { schema: table.schema, name: idxname } : null;
    return { kind: "create-index-concurrently", index, table, unique, ifNotExists };
  }
  if ("DropStmt" in node && node.DropStmt.concurrent) {
    const { objects = [], missing_ok: ifExists = false } = node.DropStmt;
    return { kind: "drop-index-concurrently", indexes: objects.map(listName), ifExists };
  }
  if ("ReindexStmt" in node) {
    const { kind: reindexed, relation, name, params = [] } = node.ReindexStmt;
    const object = String(reindexed).replace("REINDEX_OBJECT_", "").toLowerCase();
    const switches = params.flatMap((param) =>
      "DefElem" in param && param.DefElem.defname === "concurrently" ? [param.DefElem.arg] : [],
    );
    if (switches.length > 0 && isOn(switches.at(-1))) {
      const named = name ? { schema: null, name } : null;
      return { kind: "reindex-concurrently", object, name: relation ? relationName(relation) : named };
    }
    if (object === "index" || object === "table") return ORDINARY;
    return { kind: "repeatable-outside", verb: `REINDEX ${object.toUpperCase()}` };
  }
  if ("AlterTableStmt" in node) {
    const command = node.AlterTableStmt.cmds?.[0];
    const { subtype, def } = command && "AlterTableCmd" in command ? command.AlterTableCmd : {};
    if (!def || !("PartitionCmd" in def)) return ORDINARY;
    const table = relationName(node.AlterTableStmt.relation);
    const partition = relationName(def.PartitionCmd.name);
    if (subtype === "AT_DetachPartitionFinalize")
      return { kind: "detach-partition-finalize", table, partition };
    return def.PartitionCmd.concurrent
      ? { kind: "detach-partition-concurrently", table, partition }
      : ORDINARY;
  }
  if ("AlterEnumStmt" in node && !node.AlterEnumStmt.oldVal) {
    const { typeName = [], newVal, skipIfNewValExists = false } = node.AlterEnumStmt;
    const type = nameOf(typeName.map(stringOf));
    return { kind: "add-enum-value", type, value: newVal, ifNotExists: skipIfNewValExists };
  }
  if ("VacuumStmt" in node) {
    return node.VacuumStmt.is_vacuumcmd ? { kind: "repeatable-outside", verb: "VACUUM" } : ORDINARY;
  }
  if ("AlterSystemStmt" in node) return { kind: "repeatable-outside", verb: "ALTER SYSTEM" };
  if ("ClusterStmt" in node) {
    return node.ClusterStmt.relation ? ORDINARY : { kind: "repeatable-outside", verb: "CLUSTER" };
  }
  if ("CopyStmt" in node) {
    const { is_from: isFrom, filename, relation } = node.CopyStmt;
    return isFrom && !filename ? { kind: "copy-from-stdin", table: relationName(relation) } : ORDINARY;
  }
  return outsideOf(node);
}

function outsideOf(node: Node): object {
  const outside = (name: string | undefined) => ({ kind: "outside", name: name ?? null });
  if ("CreatedbStmt" in node) return outside(node.CreatedbStmt.dbname);
  if ("DropdbStmt" in node) return outside(node.DropdbStmt.dbname);
  if ("CreateTableSpaceStmt" in node) return outside(node.CreateTableSpaceStmt.tablespacename);
  if ("DropTableSpaceStmt" in node) return outside(node.DropTableSpaceStmt.tablespacename);
  if ("CreateSubscriptionStmt" in node) return outside(node.CreateSubscriptionStmt.subname);
  if ("DropSubscriptionStmt" in node) return outside(node.DropSubscriptionStmt.subname);
  if ("DiscardStmt" in node) return node.DiscardStmt.target === "DISCARD_ALL" ? outside(undefined) : ORDINARY;
  const isOption = (options: readonly Node[] | undefined, names: readonly string[]) =>
    (options ?? []).some((option) => "DefElem" in option && names.includes(option.DefElem.defname ?? ""));
  if ("AlterDatabaseStmt" in node) {
    const { dbname, options } = node.AlterDatabaseStmt;
    return isOption(options, ["tablespace"]) ? outside(dbname) : ORDINARY;
  }
  if ("AlterSubscriptionStmt" in node) {
    const { kind, subname, options } = node.AlterSubscriptionStmt;
    if (/REFRESH|PUBLICATION/.test(String(kind))) return outside(subname);
    return isOption(options, ["failover", "two_phase"]) ? outside(subname) : ORDINARY;
  }
  return ORDINARY;
}

const isExactly = (verb: string) => (value: unknown) => value === verb;
const TRANSACTION_VERBS: Readonly<Record<string, (value: unknown) => boolean>> = {
  TRANS_STMT_BEGIN: isExactly("BEGIN"),
  TRANS_STMT_START: isExactly("START TRANSACTION"),
  TRANS_STMT_COMMIT: (value) => value === "COMMIT" || value === "END",
  TRANS_STMT_ROLLBACK: (value) => value === "ROLLBACK" || value === "ABORT",
  TRANS_STMT_PREPARE: isExactly("PREPARE TRANSACTION"),
  TRANS_STMT_COMMIT_PREPARED: isExactly("COMMIT PREPARED"),
  TRANS_STMT_ROLLBACK_PREPARED: isExactly("ROLLBACK PREPARED"),
};

function isOn(argument: Node | undefined): boolean {
  if (argument && "String" in argument) return !["false", "off"].includes(argument.String.sval ?? "");
  return !(argument && "Integer" in argument) || (argument.Integer.ival ?? 0) !== 0;
}

function relationName(relation: RangeVar | undefined): Name {
  return { schema: relation?.schemaname ?? null, name: relation?.relname ?? "" };
}

function listName(list: Node): Name {
  return nameOf("List" in list ? (list.List.items ?? []).map(stringOf) : []);
}

function nameOf(parts: readonly string[]): Name {
  return { schema: parts.at(-2) ?? null, name: parts.at(-1) ?? "" };
}

function stringOf(node: Node): string {
  return "String" in node ? (node.String.sval ?? "") : "";
}
