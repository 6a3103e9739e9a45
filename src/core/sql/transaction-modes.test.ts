import { expect, test } from "vitest";
import { splitStatements } from "./statements.ts";
import { beginModes, isPlainCommit, leadingModes, modeSetting, sessionModes } from "./transaction-modes.ts";

test.for([
  ["set transaction isolation level serializable", "transaction", { isolation: "serializable" }],
  ["SET LOCAL transaction_isolation TO 'Repeatable Read'", "transaction", { isolation: "repeatable read" }],
  ["set session transaction read only, deferrable", "transaction", { readOnly: true, deferrable: true }],
  ["set transaction_read_only = off", "transaction", { readOnly: false }],
  ["set default_transaction_isolation = serializable", "session", { isolation: "serializable" }],
  ["set session characteristics as transaction read write", "session", { readOnly: false }],
] as const)("%s chooses modes", ([text, scope, modes]) => {
  expect(modeSetting(text)).toEqual({ scope, modes });
});

test.for([
  "set transaction snapshot '00000003-1'",
  "set search_path = transaction",
  "set session authorization transaction",
  "select 'set transaction read only'",
  "set transaction_isolation = 'nonsense'",
])("%s chooses none", (text) => {
  expect(modeSetting(text)).toBeNull();
});

test("BEGIN and START TRANSACTION are understood with any modes and with nothing else", () => {
  expect(beginModes("begin")).toEqual({});
  expect(beginModes("BEGIN /* now */ WORK ISOLATION LEVEL READ COMMITTED READ WRITE")).toEqual({
    isolation: "read committed",
    readOnly: false,
  });
  expect(beginModes("start transaction not deferrable, isolation level serializable")).toEqual({
    isolation: "serializable",
    deferrable: false,
  });
  expect(beginModes("begin immediate")).toBeNull();
  expect(beginModes("start")).toBeNull();
});

test("only a COMMIT that begins nothing is plain", () => {
  expect(["commit", "END work", "commit and no chain"].map(isPlainCommit)).toEqual([true, true, true]);
  expect(["commit and chain", "commit prepared 'x'", "rollback"].map(isPlainCommit)).toEqual([
    false,
    false,
    false,
  ]);
});

test("modes count in front of the first query, and the last of them wins", () => {
  const text = `set lock_timeout = '1s'; set transaction isolation level repeatable read;
    set transaction isolation level serializable; select 1; set transaction isolation level read committed`;
  const { modes, said } = leadingModes(splitStatements(text));
  expect(modes).toEqual({ isolation: "serializable" });
  expect(said).toHaveLength(2);
});

test("what a session sets as its default lasts until it is reset", () => {
  const set = sessionModes({}, "set default_transaction_isolation = 'serializable'");
  expect(set).toEqual({ isolation: "serializable" });
  expect(sessionModes(set, "select 1")).toEqual(set);
  expect(sessionModes(set, "reset all")).toEqual({});
});
