/** Help fits on a terminal and begins with the commands. Words of other tools lead to ours. */
import { COMMANDS } from "../../src/cli/commands.ts";
import { flagName, isOfSomeCommands, OPTIONS, variablesOf } from "../../src/config/options.ts";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

const project = () =>
  commandIn({ folder: folderOf({ "migrations/0001_a.sql": "create table a (id int);" }) });

test("the overview names every command, in 30 lines of 80 columns, commands first", async () => {
  const { stdout } = await project()("--help");
  const lines = stdout.trimEnd().split("\n");
  expect(lines.length).toBeLessThanOrEqual(30);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  for (const { name } of COMMANDS) expect(stdout).toMatch(new RegExp(`(^|[ ,])${name}\\b`, "m"));
  expect(stdout).not.toContain("--lock-timeout");
  expect(stdout).toContain("godwit help options");
});

test("godwit help options names every option of every command, and every variable of others", async () => {
  const { stdout } = await project()("help", "options");
  for (const option of OPTIONS.filter((each) => !isOfSomeCommands(each) && each.flag !== null))
    expect(stdout).toContain(`--${flagName(option)}`);
  for (const option of OPTIONS)
    for (const name of variablesOf(option).filter((each) => !each.startsWith("GODWIT_")))
      expect(stdout).toContain(name);
  expect(stdout).toContain("Exit codes");
  const longest = Math.max(...stdout.split("\n").map((line) => line.length));
  expect(longest).toBeLessThanOrEqual(80);
});

test("the help of every command has an example", async () => {
  const godwit = project();
  for (const { name } of COMMANDS) {
    const { stdout } = await godwit("help", name);
    expect(stdout).toMatch(/Examples:\n {2}\$ /);
  }
});

test.each([
  ["rollback", "`godwit down -1`"],
  ["rollback --help", "`godwit down -1`"],
  ["help rollback", "`godwit down -1`"],
  ["--dir migrations rollback", "`godwit down -1`"],
  ["redo", "`godwit down -1`, and then `godwit up`"],
  ["reset", "`godwit down base`"],
  ["create add users", "`godwit new add users`"],
  ["migrate:make users", "`godwit new users`"],
  ["migration:run", "`godwit up`"],
  ["migrate deploy", "`godwit up`"],
  ["migrate", "`godwit up`"],
  ["migrate 0001", "`godwit up`"],
  ["db:migrate:status", "`godwit status`"],
  ["apply", "`godwit up`"],
  ["deploy", "`godwit up`"],
  ["info", "`godwit status`"],
  ["up-to 0001", "`godwit up 0001`"],
  ["goto 0001", "`godwit down 0001`"],
])("another tool's word leads to ours: godwit %s", async (line, ours) => {
  const { stderr, stdout } = await project().fails(2, ...line.split(" "));
  expect(stderr).toContain("There is no command");
  expect(stderr).toContain(`→ Here it is ${ours}`);
  expect(stdout).toBe("");
  const { json } = await project().fails(2, ...line.split(" ").filter((word) => word !== "--help"), "--json");
  expect(json.problems[0].hint).toContain(`Here it is ${ours}`);
});

test("every command that such a hint names is one", async () => {
  const { MEANT, PAIRS } = await import("../../src/cli/other-words.ts");
  const names = COMMANDS.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  const named = [...Object.values(MEANT), ...Object.values(PAIRS)].flatMap((hint) => [
    ...hint.matchAll(/`godwit ([a-z]+)/g),
  ]);
  for (const [, name = ""] of named) expect([...names, "help"]).toContain(name);
  expect(named.length).toBeGreaterThan(20);
});
