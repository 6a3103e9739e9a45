/**
 * `0003_slugs.test.sql` beside `0003_slugs.sql`: the rows that `godwit test` puts around a migration, and what must hold.
 *
 * A comment line that says `before`, `after` or `reverted`, and nothing else, begins a section. What stands above the
 * first one is `after`. A query is an expectation, anything else is carried out.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Statement, splitStatements } from "../core/sql/statements.ts";
import type { Problem } from "../errors.ts";
import { nearest } from "../std/nearest.ts";
import { commentsOf } from "./comments.ts";
import { placeAt } from "./place.ts";
import { readText } from "./text.ts";

/** `before` the way up, `after` it, and when the way back has `reverted` it. */
const SECTIONS = ["before", "after", "reverted"] as const;
export type TestSection = (typeof SECTIONS)[number];

export interface TestFile {
  /** Below the folder of the migrations, as messages name it. */
  readonly file: string;
  readonly text: string;
  readonly sections: Readonly<Record<TestSection, readonly Statement[]>>;
  readonly problems: readonly Problem[];
}

/** The file beside a migration. `null`: there is none. Throws `SourceError` if it cannot be read. */
export function readTestFile(folder: string, migration: string): TestFile | null {
  const file = `${stemOf(migration)}.test.sql`;
  const path = join(folder, file);
  return existsSync(path) ? parseTestFile(readText(path, file), file) : null;
}

export function parseTestFile(text: string, file: string): TestFile {
  const sections: Record<TestSection, Statement[]> = { before: [], after: [], reverted: [] };
  const problems: Problem[] = [];
  const marks = commentsOf(text).comments.flatMap(({ says, start, ownLine, between }) => {
    const [, word] = /^\s*(?:godwit:\s*)?([a-z]+)\s*:?\s*$/i.exec(says) ?? [];
    if (word === undefined || !ownLine || !between) return [];
    const known = SECTIONS.find((one) => one === word.toLowerCase());
    const meant = known === undefined ? nearest(word.toLowerCase(), SECTIONS) : undefined;
    if (meant !== undefined) problems.push(mistyped(word, { meant, place: placeAt(file, text, start) }));
    return known === undefined ? [] : [{ section: known, start }];
  });
  for (const statement of splitStatements(text)) {
    const mark = marks.findLast(({ start }) => start < statement.start);
    sections[mark?.section ?? "after"].push(statement);
  }
  return { file, text, sections, problems };
}

/**
 * The tests in a folder that are run with no migration. `files`: how many migrations each file holds; only that of one
 * has a test.
 */
export function testsWithoutMigration(
  folder: string,
  files: ReadonlyMap<string, number>,
): readonly Problem[] {
  if (!existsSync(folder)) return [];
  const single = [...files].flatMap(([file, count]) => (count === 1 ? [`${stemOf(file)}.test.sql`] : []));
  const known = new Set([...files.keys(), ...single]);
  const names = readdirSync(folder).filter((name) => TEST.test(name) && !known.has(name));
  return names.toSorted().map((file) => ({
    code: "TEST_FAILED",
    message: `${file} is the test of no migration, so it was not run.`,
    hint: "Name it like the file of its migration, 0003_slugs.test.sql for 0003_slugs.sql, or move it out of the folder.",
    place: { file },
  }));
}

/** The names that stand for a migration itself, so that what is beside it with `.test.sql` is its test. */
export function isTestAmong(names: readonly string[]): (name: string) => boolean {
  const tests = names.filter((name) => TEST.test(name));
  if (tests.length === 0) return () => false;
  const stems = new Set(names.filter((name) => !TEST.test(name)).map(stemOf));
  return (name) => TEST.test(name) && stems.has(name.replace(TEST, ""));
}

const TEST = /\.test\.sql$/;

function stemOf(name: string): string {
  return name.replace(/(?:\.(?:up|down|do|undo))?\.(?:sql|[mc]?[jt]s)$/, "");
}

function mistyped(
  word: string,
  { meant, place }: { meant: string; place: NonNullable<Problem["place"]> },
): Problem {
  return {
    code: "TEST_FAILED",
    message: `${place.file} has a comment \`-- ${word}\`, which begins no section.`,
    hint: `Write \`-- ${meant}\`, or say more in the comment.`,
    place,
  };
}
