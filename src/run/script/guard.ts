/**
 * The guard of a script that is written without a database. The script stops where another tool has applied a
 * migration already: the tool whose folder it is, or any tool if the folder is Godwit's own.
 *
 * The script itself looks for the tool's table, in every schema. It knows the table's usual name and the one in
 * the tool's own configuration. Before our first run in the database the table may have any name.
 */
import type { Migration } from "../../core/migration.ts";
import { literal, stored, storedArray } from "../../core/sql/quote.ts";
import { withoutZeros } from "../../core/version.ts";
import { isLongNumber } from "../../tools/match.ts";
import { tablesLike } from "../../tools/shape-sql.ts";
import { describeTable, type MirroredStep, nameOf, type Relation, type Tool } from "../../tools/tool.ts";
import { isOwnLayout, TOOLS, toolsOf } from "../../tools/tools.ts";
import { type Mirror, PRESENT_SQLSTATE } from "../mirror/mirror.ts";
import { parseMirror } from "../mirror/mirror-setting.ts";
import { readableOnly, whoseOf } from "../mirror/whose.ts";
import type { Target } from "../session/target.ts";
import { ANY, block, columnsOf } from "./guard-sql.ts";
import { concerned, rememberedPlaces } from "./remembered.ts";
import { NUMBER, SAID, WORD, wordsOf } from "./words.ts";

/** SQL that raises where one of these steps is applied. It is empty where there is nothing to ask. */
export type OfflineGuard = (steps: readonly MirroredStep[], when: "at first" | "in its step") => string;

export function offlineGuard(target: Target, mirror: Mirror | null): OfflineGuard {
  const setting = parseMirror(target.settings.mirror);
  // The mirror asks a table that is named. `none` says that there is nothing to ask.
  if (setting === "none" || setting?.table !== undefined) return () => "";
  const tools = mirror === null ? toolsOf(target.source.layout) : [mirror.tool];
  return (steps, when) =>
    tools
      .map((tool) => {
        const names = namesOf(target, tool);
        const anyName = when === "at first" ? isFresh(target) : "false";
        const places = tablesLike([tool], { names, anyName, exact: false });
        const remembered = ifRemembered(target, [tool]);
        return guardFor(tool, { steps, mirror, places, remembered, hint: literal(TAKE_OVER) });
      })
      .filter((sql) => sql !== "")
      .join("\n");
}

/**
 * SQL that raises where a step to revert would keep its row in a history that is not mirrored. The tool would go on
 * taking it for applied.
 */
export function downGuard(target: Target, mirror: Mirror | null): OfflineGuard {
  if (mirror !== null || parseMirror(target.settings.mirror) === "none") return () => "";
  return (steps) =>
    toolsOf(target.source.layout)
      .map((tool) => {
        const places = tablesLike([tool], { names: namesOf(target, tool), anyName: "false", exact: false });
        const remembered = ifRemembered(target, [tool]);
        const tell = `Tell ${tool.title} with --mirror ${tool.name}; or, if its history does not matter any more`;
        const say = tool.writer === undefined ? "If its history does not matter any more" : tell;
        const hint = literal(`${say}, write the script with --mirror none.`);
        return guardFor(tool, { steps, mirror, places, remembered, hint, says: STAYS });
      })
      .filter((sql) => sql !== "")
      .join("\n");
}

interface Remembered {
  /** An expression: whether the ledger has no memory. */
  readonly unless: string;
  /** A query. */
  readonly places: string;
}

/** A remembered table counts whatever its name is. An early ledger remembers nothing. */
function ifRemembered(target: Target, tools: readonly Tool[]): Remembered {
  const table = literal(target.ledger.sql.toolRowsTable);
  return {
    unless: `pg_catalog.to_regclass(${table}) is null`,
    places: rememberedPlaces(target, tools),
  };
}

/** What stands before the tool, and behind the table, in the message. */
const TWICE = [" is in the history of ", ": it would run a second time"] as const;
const STAYS = [" would be taken back here, and stay in the history of ", ""] as const;

/**
 * Where the table that is named for the tool's history is not there, and another one has a step, the name may be a slip. It is
 * asked before the script makes that table.
 */
export function namedTableGuard(
  target: Target,
  mirror: Mirror | null,
  steps: readonly MirroredStep[],
): string {
  const setting = parseMirror(target.settings.mirror);
  if (mirror === null || setting === "none" || setting?.table === undefined) return "";
  const { tool, table } = mirror;
  const isMissing = `pg_catalog.to_regclass(${literal(nameOf(table))}) is null`;
  const { schema } = target.settings;
  const places = tablesLike([tool], { names: [], anyName: isMissing, exact: false, schema });
  const hint = `${literal(`${describeTable(table)} is named for it and is not there. If that is the history of these files, write the script with --mirror ${tool.name}:`)} || place.nspname || '.' || place.relname || ${literal("; if it is another project's, with --mirror none, or make the named table first.")}`;
  return guardFor(tool, { steps, mirror, places, hint });
}

/** No run of ours has done anything here; the script has made the tables by then. */
function isFresh({ ledger }: Target): string {
  return `(${ledger.sql.isEmpty()})`;
}

const TAKE_OVER =
  "Take over what is there with `godwit adopt`; or, if that table has nothing to do with these files, write the script with --mirror none.";

/**
 * Looks in the tables of all tools. A row counts if it has the name, the number or the checksum of a pending
 * file. Short numbers count as in `refuseUnnoticed`. `files`: all of them, for a table that knows no other.
 */
export function anyToolGuard(
  target: Target,
  { migrations, files }: { readonly migrations: readonly Migration[]; readonly files: readonly Migration[] },
): string {
  const { source, settings } = target;
  if (!isOwnLayout(source.layout) || parseMirror(settings.mirror) === "none" || migrations.length === 0)
    return "";
  const own = toolsOf(source.layout);
  const tools = TOOLS.filter((tool) => !own.includes(tool));
  const names = [...new Set(tools.flatMap((tool) => namesOf(target, tool)))];
  const asked = migrations.map((migration) => {
    const { sure, short } = wordsOf(migration);
    return `(${stored(migration.id)}, ${storedArray(sure)}, ${storedArray(short)})`;
  });
  const words = files.map(wordsOf);
  const all = [words.flatMap(({ sure }) => sure), words.flatMap(({ short }) => short)].map(storedArray);
  const ids = storedArray(files.map(({ id }) => id));
  const { schema } = settings;
  const places = tablesLike(tools, { names, anyName: "true", exact: true, schema });
  return block(`
fresh := (${target.ledger.sql.isOnlyDeclared()});
for place in ${places}
loop
  begin
    execute 'select array_agg(distinct v.word), array_agg(distinct v.number)
      from ' || format('%I.%I', place.nspname, place.relname) || ' t cross join lateral jsonb_each_text(to_jsonb(t)) e cross join lateral (${SAID}) v where e.key <> ''id''' into texts, numbers using ${ids};
    execute 'select bool_and(coalesce(r.texts && $2, false) or coalesce(r.numbers && ($2 || $3), false)) from '
      || format('%I.%I', place.nspname, place.relname) || ' t
      cross join lateral (select array_agg(v.word) as texts, array_agg(v.number) as numbers
        from jsonb_each_text(to_jsonb(t)) e cross join lateral (${SAID}) v where e.key <> ''id'') r' into wholly using ${[ids, ...all].join(", ")};
  exception when insufficient_privilege then
    continue;
  end;
  for asked in select * from (values ${asked.join(",\n    ")}) as v (revision, sure, short) loop
    if asked.sure && (texts || coalesce(numbers, '{}')) or fresh and (place.known or wholly) and asked.short && numbers then
      raise exception using errcode = '${PRESENT_SQLSTATE}',
        message = asked.revision || ' is in the history of another tool (' || place.nspname || '.' || place.relname || '): it would run a second time',
        hint = ${literal(TAKE_OVER)};
    end if;
  end loop;
end loop;`);
}

/**
 * In a folder of our own layout: raises where a tool's number stands for all below it, and a step is below. Before our first
 * run any number counts. Later a long one does, and any in a table that our ledger remembers.
 */
export function belowGuard(target: Target, steps: readonly MirroredStep[]): string {
  const { source, settings, ledger } = target;
  const setting = parseMirror(settings.mirror);
  if (!isOwnLayout(source.layout) || setting === "none") return "";
  const own = toolsOf(source.layout);
  const tools = TOOLS.filter((tool) => tool.inLine && !own.includes(tool) && tool.name !== setting?.tool);
  return tools
    .flatMap((tool) => {
      const look = { names: namesOf(target, tool), anyName: "true", exact: true, schema: settings.schema };
      const tables = tablesLike([tool], look);
      const places = `select * from (${tables}) place where (${ledger.sql.isOnlyDeclared()})`;
      const rest = { mirror: null, hint: literal(TAKE_OVER) };
      return [
        guardFor(tool, { ...rest, steps, places, remembered: ifRemembered(target, [tool]) }),
        guardFor(tool, { ...rest, steps: steps.filter(hasLongNumber), places: tables }),
      ];
    })
    .filter((sql) => sql !== "")
    .join("\n");
}

function hasLongNumber({ revision }: MirroredStep): boolean {
  return isLongNumber(/^\d*/.exec(withoutZeros(revision))?.[0] ?? "");
}

/**
 * The same for steps to revert, in a folder of our own layout: only histories that were adopted into it or looked at
 * count.
 */
export function anyToolDownGuard(
  target: Target,
  mirror: Mirror | null,
  migrations: readonly Migration[],
): string {
  const { source, settings, ledger } = target;
  if (!isOwnLayout(source.layout) || mirror !== null || parseMirror(settings.mirror) === "none") return "";
  if (migrations.length === 0) return "";
  // A remembered table is known to be about these files, so short numbers count in it too.
  const asked = migrations.map((migration) => {
    const { sure, short } = wordsOf(migration);
    return `(${stored(migration.id)}, ${storedArray(sure)}, ${storedArray(short)})`;
  });
  return block(`
if pg_catalog.to_regclass(${literal(ledger.sql.toolRowsTable)}) is null then return; end if;
for place in ${rememberedPlaces(target, concerned(target))}
loop
  execute 'select array_agg(distinct ${WORD}), array_remove(array_agg(distinct ${NUMBER}), null) from ' || format('%I.%I', place.nspname, place.relname) || ' t
    cross join lateral jsonb_each_text(to_jsonb(t)) e where e.key <> ''id''' into texts, numbers;
  for asked in select * from (values ${asked.join(",\n    ")}) as v (revision, sure, short) loop
    if asked.sure && (texts || coalesce(numbers, '{}')) or asked.short && numbers then
      raise exception using errcode = '${PRESENT_SQLSTATE}',
        message = asked.revision || ' would be taken back here, and stay in the history of another tool (' || place.nspname || '.' || place.relname || ')',
        hint = 'If its history does not matter any more, write the script with --mirror none.';
    end if;
  end loop;
end loop;`);
}

function namesOf(target: Target, tool: Tool): readonly string[] {
  const isOwn = toolsOf(target.source.layout).includes(tool);
  const whose = whoseOf(target, [], true);
  const said = (isOwn ? whose : readableOnly(whose)).configured(tool)?.table;
  const names = [tool.table, ...(tool.shape.names ?? []), ...(said == null ? [] : [said])];
  return names.map((name) => name.toLowerCase());
}

interface GuardQuestion {
  readonly steps: readonly MirroredStep[];
  readonly mirror: Mirror | null;
  /** A query for the tables that are asked. */
  readonly places: string;
  /** Tables that are asked besides. */
  readonly remembered?: Remembered;
  /** An expression. */
  readonly hint: string;
  readonly says?: readonly [string, string];
}

/** A query that returns a row if one number, which our ledger does not know, stands for this step too. */
function aheadOf({ inLine, has, writer }: Tool, table: Relation, step: MirroredStep): string | null {
  if (inLine !== true || writer?.moved === undefined) return null;
  const stands = has?.(table, step) ?? null;
  return stands === null ? null : `${stands} and exists (${writer.moved(table, step, [])})`;
}

function guardFor(
  tool: Tool,
  { steps, mirror, places, remembered, hint, says = TWICE }: GuardQuestion,
): string {
  const table: Relation = { ...ANY, columns: columnsOf(tool, mirror), readable: true };
  // For a mirror, the step's own row counts, and not what we wrote ourselves. Otherwise a row may stand for all below it.
  const has = mirror === null ? (tool.has ?? tool.writer?.present) : tool.writer?.present;
  const queries = steps.flatMap((step) => {
    const asked = [has?.(table, step) ?? null, mirror === null ? null : aheadOf(tool, table, step)];
    return asked.flatMap((query) =>
      query === null ? [] : [`(${stored(step.revision)}, ${literal(query)})`],
    );
  });
  if (queries.length === 0) return "";
  const loop = (from: string) => `
for place in ${from}
loop
  for asked in select * from (values ${queries.join(",\n    ")}) as v (revision, query) loop
    begin
      execute 'select exists (' || replace(asked.query, ${literal(nameOf(table))}, format('%I.%I', place.nspname, place.relname)) || ')' into found;
    exception when undefined_column or undefined_function or datatype_mismatch or invalid_text_representation then
      found := false;
    end;
    if found then
      raise exception using errcode = '${PRESENT_SQLSTATE}',
        message = asked.revision || ${literal(`${says[0]}${tool.title} (`)} || place.nspname || '.' || place.relname || ${literal(`)${says[1]}`)},
        hint = ${hint};
    end if;
  end loop;
end loop;`;
  const more =
    remembered === undefined
      ? ""
      : `\nif ${remembered.unless} then return; end if;${loop(remembered.places)}`;
  return block(`${loop(places)}${more}`);
}
