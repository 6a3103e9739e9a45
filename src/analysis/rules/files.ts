/** What the files show, whatever is in them. */

import { dirname, join, normalize } from "node:path/posix";
import type { Migration } from "../../core/migration.ts";
import type { FolderHit, Hit, Rule } from "./rule.ts";

const DAY_MS = 86_400_000;

export const idInFuture: Rule = {
  id: "id-in-future",
  level: "warning",
  what: "The number of a migration is a moment that has not come yet.",
  why: "Each migration that is made before that moment takes its place in front of it, and is late.",
  safer: "Give it the present time, as the command `new` does.",
  bad: { files: { "29990101000000_late.sql": "create table orders (id bigint);\n" } },
  good: { files: { "20200101000000_early.sql": "create table orders (id bigint);\n" } },
  checkFolder: ({ listing, now }): readonly FolderHit[] =>
    listing.migrations.flatMap(({ id, file }) => {
      const moment = momentOf(id);
      if (moment === null || moment.getTime() <= now.getTime() + DAY_MS) return [];
      return [
        { file, message: `${id} is numbered for ${moment.toISOString().slice(0, 10)}, which is to come.` },
      ];
    }),
};

/** The moment that a name begins with: `20250801_…`, `20250801143000_…`, or milliseconds since 1970. */
function momentOf(id: string): Date | null {
  const [, digits = ""] = /^V?(\d{8,14})(?!\d)/.exec(id) ?? [];
  if (digits.length === 13) return new Date(Number(digits));
  const [, year = "", month = "", day = ""] =
    /^(2\d{3})(0[1-9]|1[0-2])([0-2]\d|3[01])(?:\d{2}){0,3}$/.exec(digits) ?? [];
  return year === "" ? null : new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
}

export const duplicateNumber: Rule = {
  id: "duplicate-number",
  level: "error",
  what: "Two files have the same number.",
  why: "Two branches took it at the same time, and git merged them without a conflict. Their order is left to chance.",
  safer: "Give the one that is not applied anywhere the next number.",
  bad: {
    files: {
      "0001_orders.sql": "create table orders (id bigint);\n",
      "0001_notes.sql": "create table notes (id bigint);\n",
    },
  },
  good: {
    files: {
      "0001_orders.sql": "create table orders (id bigint);\n",
      "0002_notes.sql": "create table notes (id bigint);\n",
    },
  },
  checkFolder: ({ listing }) => {
    const byNumber = new Map<string, Migration[]>();
    for (const migration of listing.migrations) {
      const { number, kind, revises } = migration;
      if (number === null || kind === "repeatable" || revises !== null) continue;
      byNumber.set(number, [...(byNumber.get(number) ?? []), migration]);
    }
    return [...byNumber].flatMap(([number, all]) =>
      all.length < 2
        ? []
        : all.map(({ file }) => {
            const others = all.filter((one) => one.file !== file).map((one) => one.file);
            return { file, message: `${file} has the number ${number}, and so has ${others.join(" and ")}.` };
          }),
    );
  },
};

export const applicationImport: Rule = {
  id: "application-import",
  level: "warning",
  what: "A migration imports code of the app.",
  why: "That code changes, and the migration then does something else on each database, or fails on a new one.",
  safer: "Write down in the migration what it needs, or import a copy beside it.",
  bad: {
    files: {
      "0001_fill.ts":
        'import { slug } from "../src/models/shop.ts";\nexport async function up({ query }) {\n  await query("update shops set slug = $1 where id = 1", [slug("a")]);\n}\n',
    },
  },
  good: {
    files: {
      "0001_fill.ts":
        'import { slug } from "./helpers/slug.ts";\nexport async function up({ query }) {\n  await query("update shops set slug = $1 where id = 1", [slug("a")]);\n}\n',
    },
  },
  checkModule: ({ file, text }): readonly Hit[] =>
    [...text.matchAll(IMPORT)].flatMap((match) => {
      const [whole, path = ""] = match;
      if (isTypeOnly(text, match.index) || !isOfApp(path, file)) return [];
      return [
        { at: match.index + whole.indexOf(path), message: `It imports ${path}, which belongs to the app.` },
      ];
    }),
};

const IMPORT = /\b(?:from|import|import\(|require\()[ \t]{0,8}["']([^"'\n]{1,300})["']/g;

function isTypeOnly(text: string, at: number): boolean {
  const start = Math.max(text.lastIndexOf(";", at), text.lastIndexOf("\n", at)) + 1;
  return /^\s*(?:import|export)\s+type\b/.test(text.slice(start, at));
}

function isOfApp(path: string, file: string): boolean {
  if (/^(?:@|~|#|src|app)\//.test(path)) return true;
  return path.startsWith(".") && normalize(join(dirname(file), path)).startsWith("..");
}
