/** The command starts from compiled code that it keeps beside itself, and just as well without. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { root } from "../../scripts/fresh.mjs";

const DIST = join(root, "dist");

test("the first start keeps the compiled code, and the next one uses it", () => {
  const folder = copyWithoutCompiled();
  expect(start(folder, "--version")).toMatchObject({ status: 0, stderr: "" });
  const [name = "", ...others] = compiledIn(folder);
  expect(name).toMatch(/^program-[0-9a-f]{12}-[0-9a-f]+\.compiled$/);
  expect(others).toEqual([]);
  const { mtimeMs, ino } = statSync(join(folder, name));
  expect(start(folder, "--version")).toMatchObject({ status: 0, stderr: "" });
  // Code that was refused would have been replaced.
  expect(statSync(join(folder, name))).toMatchObject({ mtimeMs, ino });
});

test.each(["", "no code at all"])("kept code that V8 refuses (%j) is replaced", (broken) => {
  const folder = copyWithoutCompiled();
  start(folder, "--version");
  const [name = ""] = compiledIn(folder);
  writeFileSync(join(folder, name), broken);
  expect(start(folder, "--version")).toMatchObject({ status: 0, stderr: "" });
  expect(compiledIn(folder)).toEqual([name]);
  expect(statSync(join(folder, name)).size).toBeGreaterThan(100_000);
});

test("a folder that cannot be written to stays as it is", () => {
  const folder = copyWithoutCompiled();
  chmodSync(folder, 0o555);
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  expect(start(folder, "--version", nobody)).toMatchObject({ status: 0, stderr: "" });
  expect(compiledIn(folder)).toEqual([]);
});

test("a place that the kept code cannot take is left, and no draft stays", () => {
  const folder = copyWithoutCompiled();
  start(folder, "--version");
  const [name = ""] = compiledIn(folder);
  rmSync(join(folder, name));
  mkdirSync(join(folder, name));
  expect(start(folder, "--version")).toMatchObject({ status: 0, stderr: "" });
  expect(compiledIn(folder)).toEqual([name]);
});

test("code for other flags is kept beside, up to a limit", () => {
  const folder = copyWithoutCompiled();
  for (const number of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(start(folder, "--version", {}, [`--stack-size=${900 + number}`])).toMatchObject({ status: 0 });
  expect(compiledIn(folder)).toHaveLength(8);
});

test("an exit code is the same from kept code", () => {
  const folder = copyWithoutCompiled();
  const first = start(folder, "--no-such-option");
  expect(first.status).toBe(2);
  const { status, stdout, stderr } = start(folder, "--no-such-option");
  expect({ status, stdout, stderr }).toEqual({
    status: first.status,
    stdout: first.stdout,
    stderr: first.stderr,
  });
});

function copyWithoutCompiled(): string {
  const folder = mkdtempSync(join(tmpdir(), "godwit-start-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of readdirSync(DIST))
    if (["godwit.cjs", "launch.cjs"].includes(name) || /^program-\w+\.cjs$/.test(name))
      copyFileSync(join(DIST, name), join(folder, name));
  chmodSync(folder, 0o755);
  return folder;
}

function compiledIn(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => name.includes(".compiled"));
}

function start(
  folder: string,
  argument: string,
  user: { readonly uid?: number; readonly gid?: number } = {},
  flags: readonly string[] = [],
) {
  const env = { PATH: process.env.PATH };
  return spawnSync(process.execPath, [...flags, join(folder, "godwit.cjs"), argument], {
    cwd: folder,
    env,
    encoding: "utf8",
    ...user,
  });
}

/** V8 keeps the text of the program while it runs, at two bytes for each character if one of them is not Latin. */
test("the program is ASCII", () => {
  const [name = ""] = readdirSync(DIST).filter((one) => /^program-\w+\.cjs$/.test(one));
  expect(/[^\0-\x7f]/.test(readFileSync(join(DIST, name), "utf8"))).toBe(false);
});
