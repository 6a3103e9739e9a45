import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Problem, SourceError } from "../errors.ts";
import { createFolder } from "./folder.fixture.ts";
import { readText } from "./text.ts";

function problemOf(path: string): Problem {
  try {
    readText(path, "a.sql");
  } catch (error) {
    if (error instanceof SourceError) return error.toProblem();
    throw error;
  }
  throw new Error("it was read without a problem");
}

function write(content: string | Uint8Array): string {
  return join(createFolder({ "a.sql": content }), "a.sql");
}

test("byte order mark and line ends of Windows are not part of the text", () => {
  expect(readText(write("\ufeffselect 1;\r\nselect '😀';\r"), "a.sql")).toBe("select 1;\nselect '😀';\n");
});

test("Latin-1 is named with line, column and byte, and how to convert it", () => {
  expect(
    problemOf(
      write(Buffer.concat([Buffer.from("-- ü\r\nselect '😀 gr"), Buffer.from([0xfc]), Buffer.from("n'")])),
    ),
  ).toEqual({
    code: "SOURCE_FILE_ENCODING",
    message: "a.sql is not UTF-8: byte 0xFC (in Latin-1 that is `ü`).",
    hint: "If it is Latin-1, convert it: iconv -f ISO-8859-1 -t UTF-8 'a.sql' > 'a.sql.utf8' && mv 'a.sql.utf8' 'a.sql'",
    place: {
      file: "a.sql",
      line: 2,
      column: 13,
      excerpt: `  2 | select '😀 gr\ufffdn'\n    | ${" ".repeat(13)}^`,
    },
    details: { byte: "0xFC", offset: 22 },
  });
});

test("the first bad byte is found wherever it is", () => {
  const character = fc.constantFrom("a", "ü", "€", "😀", "\n");
  const bad = fc.constantFrom([0xfc], [0x80], [0xe2, 0x82], [0xc0, 0xaf], [0xed, 0xa0, 0x80]);
  fc.assert(
    fc.property(fc.array(character, { maxLength: 300 }), bad, fc.array(character), (before, bytes, after) => {
      const start = Buffer.from(before.join(""));
      const content = Buffer.concat([start, Buffer.from(bytes), Buffer.from(`a${after.join("")}`)]);
      expect(problemOf(write(content)).details).toMatchObject({ offset: start.length });
    }),
    { numRuns: 200 },
  );
});

describe("refused with SOURCE_FILE_ENCODING:", () => {
  test.each([
    ["UTF-16 with a mark", Buffer.from("\ufeffselect 1", "utf16le"), "is UTF-16,"],
    ["UTF-16 without a mark", Buffer.from("select 1", "utf16le"), "is UTF-16LE,"],
    ["a NUL byte", Buffer.from("select 1;\nselect '\0'"), "contains a NUL byte"],
  ])("%s", (_, content, words) => {
    const problem = problemOf(write(content));
    expect(problem.code).toBe("SOURCE_FILE_ENCODING");
    expect(problem.message).toContain(words);
  });
});

describe("refused with SOURCE_FILE_UNREADABLE:", () => {
  const unreadable = (prepare: (path: string) => void) => {
    const path = join(createFolder({}), "a.sql");
    prepare(path);
    const { code, message } = problemOf(path);
    expect(code).toBe("SOURCE_FILE_UNREADABLE");
    return message;
  };
  test("a folder", () => expect(unreadable((path) => mkdirSync(path))).toContain("is a folder"));
  test("a file that is gone", () => expect(unreadable(() => {})).toContain("it is gone"));
  test("a link that leads nowhere", () =>
    expect(unreadable((path) => symlinkSync("nowhere", path))).toContain("leads nowhere"));
  test("a link that leads to itself", () =>
    expect(unreadable((path) => symlinkSync("a.sql", path))).toContain("leads to itself"));
  test("a pipe, which would never end", () =>
    expect(unreadable((path) => execFileSync("mkfifo", [path]))).toContain("not a regular file"));
});
