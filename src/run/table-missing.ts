/** What leads on when the table of an import is missing: the migration that creates it, if there is one. */
import { type Migration, PHASES, type Phase } from "../core/migration.ts";
import { accept, acceptName, type Cursor } from "../core/sql/cursor.ts";
import { mentionedNames } from "../core/sql/mentions.ts";
import { splitStatements } from "../core/sql/statements.ts";
import { GodwitError } from "../errors.ts";
import { withConnection } from "./session/connect.ts";
import type { RunContext, Target } from "./session/target.ts";

export interface MissingTable {
  readonly importName: string;
  /** As it is configured: `design_images`, optionally with a schema. */
  readonly table: string;
}

/** `null`: the files or the ledger cannot be read, and nothing better is known than what the import says itself. */
export async function wayToTable(
  target: Target,
  { importName, table }: MissingTable,
  context: RunContext,
): Promise<string | null> {
  const { projectFlags = "" } = target.settings;
  try {
    const { migrations } = await target.source.list();
    const { entries } = await withConnection(target, context, (connection) => target.ledger.read(connection));
    const applied = new Set(entries.map(({ revision }) => revision));
    const { creates, names } = await aboutTable(target, migrations, nameOf(table));
    const up = (phase: Phase) => `\`godwit up ${wordsOf(phase)}${projectFlags}\``;
    const pending = [...creates, ...names].find(({ id }) => !applied.has(id));
    if (pending !== undefined)
      return `Migration ${pending.file} ${creates.includes(pending) ? "creates" : "names"} it, and is not applied yet: ${up(pending.phase)}.`;
    const [done] = creates;
    if (done !== undefined)
      return `Migration ${done.file}, which creates it, is applied. So it was removed or renamed since, or lies outside of the search_path: then name it with its schema in imports.${importName}.table.`;
    const init = `\`godwit init --import\` writes a migration that creates it, and ${up("startup")} applies it. For a table of your own: imports.${importName}.table in the configuration.`;
    const module = migrations.find(({ id, kind }) => kind === "module" && !applied.has(id));
    if (module === undefined) return init;
    return `If ${module.file} or another pending migration creates it: ${up(module.phase)}. Otherwise ${init}`;
  } catch (error) {
    if (error instanceof GodwitError) return null;
    throw error;
  }
}

/** The migrations whose SQL creates the table, and those that name it otherwise. */
async function aboutTable(target: Target, migrations: readonly Migration[], name: string) {
  const creates: Migration[] = [];
  const names: Migration[] = [];
  for (const migration of migrations) {
    if (migration.kind === "module" || migration.problem !== undefined) continue;
    const content = await target.source.read(migration, "up").catch(() => null);
    if (content?.kind !== "sql" || mentionedNames(content.text, new Set([name])).size === 0) continue;
    const created = splitStatements(content.text).some((statement) => createdTable(statement.text) === name);
    (created ? creates : names).push(migration);
  }
  return { creates, names };
}

/** The name of the table that the statement creates, without its schema. */
function createdTable(text: string): string | null {
  const cursor: Cursor = { text, at: 0 };
  if (!accept(cursor, "create")) return null;
  for (const word of ["unlogged", "foreign"]) accept(cursor, word);
  if (!accept(cursor, "table")) return null;
  accept(cursor, "if", "not", "exists");
  return acceptName(cursor)?.name ?? null;
}

/** Without its schema, and as the catalog stores it: in the configuration only quotes change a name. */
function nameOf(table: string): string {
  const last = table.split(".").at(-1) ?? table;
  return last.startsWith('"') ? last.slice(1, -1) : last;
}

/** The phases to run, without the import itself unless the table is created in its phase. */
function wordsOf(phase: Phase): string {
  const needed = PHASES.slice(0, PHASES.indexOf(phase) + 1);
  return `--phase ${needed.filter((each) => each !== "import" || phase === "import").join(" ")}`;
}
