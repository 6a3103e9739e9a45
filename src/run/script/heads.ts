/**
 * The guard of a script for tools whose rows are heads of a graph. A head implies what is below it, so it says something of a
 * step although no row has the step's name. A head that neither the files nor the ledger know may imply any step.
 */
import type { Migration } from "../../core/migration.ts";
import { reach } from "../../core/order.ts";
import { literal, stored, storedArray } from "../../core/sql/quote.ts";
import { namesOfHead } from "../../tools/alembic.ts";
import { tablesLike } from "../../tools/shape-sql.ts";
import { nameOf, type Tool } from "../../tools/tool.ts";
import { isOwnLayout, TOOLS } from "../../tools/tools.ts";
import { parseMirror } from "../mirror/mirror-setting.ts";
import type { Target } from "../session/target.ts";
import { ANY, block, raisePresent } from "./guard-sql.ts";
import { rememberedPlaces } from "./remembered.ts";

interface Steps {
  readonly files: readonly Migration[];
  /** What the script applies for the first time. */
  readonly applied: readonly Migration[];
  readonly reverted: readonly Migration[];
}

/** SQL that raises where such a head has, or may have, a step below it. */
export function headsGuard(target: Target, { files, applied, reverted }: Steps): string {
  const { source, settings } = target;
  const versioned = files.filter(({ kind }) => kind !== "repeatable");
  const setting = parseMirror(settings.mirror);
  if (!isOwnLayout(source.layout) || setting === "none") return "";
  if (applied.length + reverted.length === 0 || !versioned.some(({ revises }) => revises !== null)) return "";
  const tools = TOOLS.filter(
    ({ heads, name }) => heads !== undefined && (setting === null || setting.tool === name),
  );
  const asked = [...rowsOf(applied, versioned, "up"), ...rowsOf(reverted, versioned, "down")];
  const known = storedArray(versioned.flatMap(({ id }) => namesOfHead(id)));
  return tools.map((tool) => guardOf(target, { tool, asked, known, setting })).join("\n");
}

function guardOf(
  target: Target,
  {
    tool,
    asked,
    known,
    setting,
  }: {
    readonly tool: Tool;
    readonly asked: readonly string[];
    readonly known: string;
    readonly setting: { readonly table: string | undefined } | null;
  },
): string {
  const { settings } = target;
  const { sql } = target.ledger;
  const query = tool.heads?.({ ...ANY, columns: {}, readable: true }) ?? "";
  const [before = "", after = ""] = query.split(nameOf(ANY)).map((part) => part.replaceAll("'", "''"));
  const heads = `execute 'select array_agg(head) from (${before}' || format('%I.%I', place.nspname, place.relname) || '${after}) h' into texts;`;
  const place = "place.nspname || '.' || place.relname";
  const isNamed =
    setting?.table === undefined
      ? "true"
      : `${literal(setting.table)} in (nspname || '.' || relname, relname::text)`;
  const at = `' (' || ${place} || ')'`;
  const twice = raisePresent(
    `asked.revision || ${literal(` is in the history of ${tool.title}`)} || ${at} || ': it would run a second time'`,
    literal(
      "Take over what is there with `godwit adopt`; or, if that table has nothing to do with these files, write the script with --mirror none.",
    ),
  );
  const open = (verb: string, what: string) =>
    raisePresent(
      `asked.revision || ${literal(` would be ${verb}, and ${tool.title} is at `)} || numbers[1] || ${at} || ${literal(`, which has no file here and may ${what}`)}`,
      `'Restore the file of ' || numbers[1] || ' and of what is below it, and create the script anew. \`godwit plan\` says what else can be done. If that table has nothing to do with these files, write the script with --mirror none.'`,
    );
  const loop = (places: string, always: boolean) => `
for place in ${places}
loop
  begin
    ${heads}
  exception when insufficient_privilege or undefined_column then
    continue;
  end;
  numbers := array(select h from unnest(texts) h where h <> all (${known})
    and not exists (select from ${sql.historyTable} l where l.revision = h and not (l.baseline and l.filename ~ '^[(].*[)]$')));
  for asked in select * from (values ${asked.join(",\n    ")}) as v (revision, direction, above, below) loop
    if asked.direction = 'up' and asked.above && texts then
      ${twice}
    elsif asked.direction = 'up' and (${always} or fresh and place.known) and numbers <> '{}' and not asked.below && texts then
      ${open("applied", "stand on it already")}
    elsif asked.direction = 'down' and ${always} and numbers <> '{}' and not asked.above[1:1] && texts then
      ${open("taken back", "stand on it")}
    end if;
  end loop;
end loop;`;
  const { schema } = settings;
  const tables = tablesLike([tool], { names: [tool.table], anyName: "true", exact: true, schema });
  return block(`
if pg_catalog.to_regclass(${literal(sql.historyTable)}) is null then return; end if;
fresh := not exists (select from ${sql.historyTable} where not baseline);${loop(`select * from (${tables}) t where ${isNamed}`, setting !== null)}
if pg_catalog.to_regclass(${literal(sql.toolRowsTable)}) is null then return; end if;${loop(rememberedPlaces(target, [tool]), true)}`);
}

/** Each step with the names of heads above it, itself first, and of those that it stands on. */
function rowsOf(
  steps: readonly Migration[],
  files: readonly Migration[],
  direction: "up" | "down",
): readonly string[] {
  const needs = new Map(files.map((one) => [one.id, [...(one.revises ?? []), ...one.depends]]));
  const needed = new Map<string, string[]>();
  for (const [id, ids] of needs) for (const one of ids) needed.set(one, [...(needed.get(one) ?? []), id]);
  return steps.map(({ id }) => {
    const above = [...reach([id], (one) => needed.get(one) ?? [])].flatMap(namesOfHead);
    const below = [...reach(needs.get(id) ?? [], (one) => needs.get(one) ?? [])].flatMap(namesOfHead);
    return `(${stored(id)}, ${literal(direction)}, ${storedArray(above)}, ${storedArray(below)})`;
  });
}
