import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { makeFolder } from "./make-folder.ts";

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), "godwit-folder-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("folders above are made, and what is there stays", () => {
  const folder = join(place(), "a", "b", "c");
  for (let n = 0; n < 2; n++) makeFolder(folder);
  expect(statSync(folder).isDirectory()).toBe(true);
  makeFolder(".");
  makeFolder("/");
});

test("a file or a link to nothing in the way is the system's error", () => {
  const folder = place();
  writeFileSync(join(folder, "file"), "");
  symlinkSync(join(folder, "nowhere"), join(folder, "link"));
  expect(() => makeFolder(join(folder, "file"))).toThrow("EEXIST");
  expect(() => makeFolder(join(folder, "file", "a"))).toThrow("ENOTDIR");
  expect(() => makeFolder(join(folder, "link", "a"))).toThrow("EEXIST");
});

test.runIf(process.platform === "linux")("a folder in which nothing can be made does not keep us", () => {
  expect(() => makeFolder("/proc/nope")).toThrow("ENOENT");
  expect(() => makeFolder("/proc/nope/a/b")).toThrow("ENOENT");
});
