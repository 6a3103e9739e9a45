/**
 * The part of a script's guard that goes by what the ledger remembers of other tools' histories. A remembered table that
 * is gone or is no table stops the script. A row that is gone from it since stops the script too. A run refuses or
 * warns there; nobody reads a warning of a script.
 */
import type { Migration } from "../../core/migration.ts";
import { literal, stored, storedArray } from "../../core/sql/quote.ts";
import { KIND } from "../../tools/recognise.ts";
import { describeTable, type MirroredStep, nameOf, type Tool } from "../../tools/tool.ts";
import { isOwnLayout, TOOLS, toolNamed, toolsOf } from "../../tools/tools.ts";
import type { Mirror } from "../mirror/mirror.ts";
import { parseMirror, tableOfOthers } from "../mirror/mirror-setting.ts";
import type { Target } from "../session/target.ts";
import { ANY, block, columnsOf, raisePresent, raiseTakenBack } from "./guard-sql.ts";
import { lostRows } from "./lost.ts";

/** Comes before the script makes the table of a history. `present`: migrations that the script takes for applied. */
export function rememberedGuard(
  target: Target,
  { mirror, present }: { readonly mirror: Mirror | null; readonly present: readonly Migration[] },
): string {
  const { sql } = target.ledger;
  const tools = concerned(target);
  const said = saidOf(target, "t.history");
  if (tools.length === 0 || said === null) return "";
  const titles = tools.map(({ name, title }) => `(${literal(name)}, ${literal(title)})`);
  const taken = `${tools.map((tool) => takenBack(target, tool, present)).join("")}${lostRows(target, tools)}`;
  return block(`
if pg_catalog.to_regclass(${literal(sql.toolRowsTable)}) is null then return; end if;
for place in select distinct t.tool, t.history, v.title, n.nspname, c.relname, c.relkind, ${KIND} as kind
  from ${sql.toolRowsTable} t join (values ${titles.join(", ")}) as v (tool, title) on v.tool = t.tool
  left join (pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace) on n.nspname || '.' || c.relname = t.history
  where t.history <> '' and ${said}
loop
  if place.relname is null then
    ${raisePresent(`'the history of ' || place.title || ', ' || place.history || ', is gone'`, `'\`godwit status\` says what became of it. If another table is its history now: \`godwit adopt --table <schema.table>\`${writtenInto(mirror)}. If ' || place.title || ' is no longer used, write the script with --mirror none.'`)}
  elsif place.relkind not in ('r', 'p') then
    ${raisePresent(`place.history || ' is ' || place.kind || ', where ' || place.title || ' has the table of its history'`, `'Say which table it shows: \`godwit adopt --table <schema.table>\`${writtenInto(mirror)}. If it has nothing to do with ' || place.title || ', write the script with --mirror none.'`)}
  end if;${mirror === null ? "" : otherTable(mirror)}${taken}
end loop;`);
}

/** The script knows the usual name of the table alone, and a run knows what was adopted. */
function otherTable({ tool, table }: Mirror): string {
  const written = literal(describeTable(table));
  return `
  if place.tool = ${literal(tool.name)} and place.history <> ${written} then
    ${raisePresent(`'the history of ' || place.title || ' is ' || place.history || ', and this script would write into ' || ${written}`, `'Write the script with --mirror ${tool.name}:' || place.history || '.'`)}
  end if;`;
}

function writtenInto(mirror: Mirror | null): string {
  return mirror === null ? "" : `, and write the script with --mirror ${mirror.tool.name}:<schema.table>`;
}

/** Rows in the tables that this tool is remembered to have. The alias of each table is as in `tablesLike`. */
export function rememberedPlaces(target: Target, tools: readonly Tool[]): string {
  const names = tools.map(({ name }) => literal(name)).join(", ");
  return `select distinct n.nspname, c.relname, true as known
  from ${target.ledger.sql.toolRowsTable} t join pg_catalog.pg_namespace n on true
  join pg_catalog.pg_class c on n.oid = c.relnamespace and n.nspname || '.' || c.relname = t.history
  where c.relkind in ('r', 'p') and t.tool in (${names}) and ${saidOf(target, "t.history") ?? "false"}`;
}

/** The tools whose remembered histories count for these files. */
export function concerned({ settings, source }: Target): readonly Tool[] {
  const mirror = parseMirror(settings.mirror);
  const tool = mirror === null || mirror === "none" ? undefined : toolNamed(mirror.tool);
  if (tool !== undefined) return [tool];
  return isOwnLayout(source.layout) ? TOOLS : toolsOf(source.layout);
}

/** A condition that leaves out the tables that a person has given up with `--mirror`. `null`: all of them. */
function saidOf({ settings }: Target, column: string): string | null {
  const mirror = parseMirror(settings.mirror);
  if (mirror === null) return "true";
  const others = tableOfOthers(settings.mirror);
  if (mirror === "none") return others === null ? null : `${column} <> ${literal(others)}`;
  if (mirror.table === undefined) return "true";
  const table = literal(mirror.table);
  return `(${column} = ${table} or regexp_replace(${column}, '^[^.]*[.]', '') = ${table})`;
}

/**
 * A row is there if the tool's own key finds it, or a value with the number or the name of the file: keys are written in
 * more than one way. Rows that stand for others (Alembic's heads) are left out.
 */
function takenBack({ ledger: { sql } }: Target, tool: Tool, present: readonly Migration[]): string {
  const ask = tool.has ?? (tool.writer?.moved === undefined ? tool.writer?.present : undefined);
  const table = { ...ANY, columns: columnsOf(tool, null), readable: true };
  const asked = present.flatMap((migration) => {
    if (migration.kind === "repeatable") return [];
    const step: MirroredStep = {
      ...{ revision: migration.id, key: migration.tool ?? null, text: null },
      ledger: sql.historyTable,
    };
    const query = step.key === null ? null : (ask?.(table, step) ?? null);
    if (query === null || step.key === null) return [];
    const { version, checksums, columns = {} } = step.key;
    const more = [columns.created_at, columns.name].flatMap((one) => (one == null ? [] : [String(one)]));
    const words = [migration.id, version, ...checksums, ...more].map((word) =>
      word.toLowerCase().replace(/^0+/, ""),
    );
    return [`(${stored(migration.id)}, ${literal(query)}, ${storedArray(words)})`];
  });
  if (asked.length === 0) return "";
  return `
  if place.tool = ${literal(tool.name)} then
    for asked in select v.* from (values ${asked.join(",\n      ")}) as v (revision, query, words)
      where exists (select from ${sql.toolRowsTable} t where t.tool = place.tool and t.history = place.history and t.subject = v.revision)
      and exists (select from ${sql.historyTable} h where h.revision = v.revision and h.state = 'applied')
    loop
      begin
        execute 'select exists (' || replace(asked.query, ${literal(nameOf(table))}, format('%I.%I', place.nspname, place.relname)) || ')
          or exists (select from ' || format('%I.%I', place.nspname, place.relname) || ' t cross join lateral jsonb_each_text(to_jsonb(t)) e
          where e.key not in (''id'', ''installed_rank'') and ltrim(lower(regexp_replace(e.value, ''[.]([cm]?[jt]s|sql)$'', '''')), ''0'') = any ($1))' into found using asked.words;
      exception when undefined_column or undefined_function or datatype_mismatch or invalid_text_representation then
        found := true;
      end;
      if not found then
        ${raiseTakenBack("asked.revision")}
      end if;
    end loop;
  end if;`;
}
