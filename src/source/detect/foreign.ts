/** Folders of tools whose migrations are programs, or a form of their own: only the tool itself can run them. */
import { SourceError } from "../../errors.ts";
import { isPrisma8 } from "../layouts/prisma.ts";
import { layoutRefused } from "../problems.ts";
import type { FolderView, Head } from "./look.ts";

/** Throws `SourceError` (`LAYOUT_REFUSED`) where it is one. */
export function refuseForeign(look: FolderView): void {
  const found = foreignTool(look);
  if (found === null) return;
  const [tool, what] = found;
  throw new SourceError([
    layoutRefused(tool, {
      folder: look.folder,
      why: `its migrations are ${what}`,
      hint: `Let ${tool} itself run them. To carry on with SQL in another folder: \`godwit adopt --dir <folder>\` takes over what it has applied.`,
    }),
  ]);
}

function foreignTool(look: FolderView): readonly [tool: string, what: string] | null {
  const { files, folders, sql, folder, modules, others } = look;
  if (isPrisma8(folder, folders)) return ["Prisma 8", "programs of operations"];
  const module = moduleTool(modules());
  if (module !== null) return module;
  // With SQL beside them they are helpers.
  if (sql.length > 0) return null;
  const some = (name: RegExp) => files.some((file) => name.test(file));
  const says = (name: RegExp, text: RegExp) =>
    others().some((head) => name.test(head.name) && text.test(head.text));
  if (some(/^alembic\.ini$/) || (some(/^env\.py$/) && folders.includes("versions")))
    return ["Alembic", "Python programs"];
  if (says(/\.py$/, /^down_revision\b/m)) return ["Alembic", "Python programs"];
  if (says(/\.py$/, /^from django\.db import .*\bmigrations\b/m)) return ["Django", "Python programs"];
  if (some(/^\d+_.*\.rb$/)) return ["Rails", "Ruby programs"];
  if (some(/^\d+_.*\.exs$/)) return ["Ecto", "Elixir programs"];
  if (some(/^[VR].*__.*\.(?:java|kt)$/)) return ["Flyway", "Java programs"];
  return null;
}

/** By what their functions are handed; ours take one object apart. */
const MODULES: readonly (readonly [tool: string, text: RegExp])[] = [
  ["TypeORM", /\bimplements\s+MigrationInterface\b/],
  ["Sequelize", /\(\s*(?:\{\s*context\s*:\s*)?queryInterface\b/],
  [
    "knex",
    /\bup\s{0,40}[:=]?\s{0,40}(?:async\s{1,40})?(?:function\s{0,40}\w{0,80}\s{0,40})?\(\s{0,40}knex\b/,
  ],
  ["Kysely", /\bup\s*\(\s*\w+\s*:\s*Kysely\s*</],
];

function moduleTool(modules: readonly Head[]): readonly [tool: string, what: string] | null {
  const found = MODULES.find(([, text]) => modules.some((head) => text.test(head.text)));
  return found === undefined ? null : [found[0], "programs against its own API"];
}
