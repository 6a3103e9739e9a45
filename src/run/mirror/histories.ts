/** Finds the history of another tool in the database, reads it, and compares it with the files. */
import type { Migration } from "../../core/migration.ts";
import type { Connection } from "../../database/connection.ts";
import { type GodwitError, PlanRefused } from "../../errors.ts";
import { matchRows } from "../../tools/match.ts";
import {
  type CandidateRow,
  candidates,
  isUsualPlace,
  likely,
  possible,
  type RecognisedHistory,
  recognise,
  relationsOf,
  whyNot,
} from "../../tools/recognise.ts";
import {
  describeTable,
  type Match,
  nameOf,
  type Parents,
  type Relation,
  type TextRow,
  type Tool,
  type ToolHistory,
} from "../../tools/tool.ts";
import { TOOLS } from "../../tools/tools.ts";
import { isAboutThese, isInPlace, isProven, notItsTable, notProven, type Whose } from "./whose.ts";

export interface FoundHistory extends RecognisedHistory {
  readonly history: ToolHistory;
  /** All tables that were looked at. */
  readonly all: readonly Relation[];
  /**
   * Whether it is the history of these files: because of its place, because of a checksum, or because the user said
   * so.
   */
  readonly ours: boolean;
}

export interface HistoryQuery {
  /** Tools whose histories are wanted. Default: all. */
  readonly tools?: readonly string[] | undefined;
  /** `schema.table` or the name of a table, if the user named one. */
  readonly table?: string | undefined;
  /** Looks only in this schema. */
  readonly schema?: string | null | undefined;
  /** `schema.table` of a history that the user called another project's. */
  readonly notTable?: string | null | undefined;
  readonly whose: Whose;
}

/**
 * The histories that may be those of these files. Throws `PlanRefused` for a named table that is no history. Throws
 * it also for a history that the role cannot read, if it stands in its usual place or is the only one.
 */
export async function findHistories(
  connection: Connection,
  wanted: HistoryQuery,
): Promise<readonly FoundHistory[]> {
  const { rows } = await connection.query<CandidateRow>(candidates(TOOLS, { table: wanted.table }));
  const all = relationsOf(rows);
  const inScope = ({ table }: Pick<RecognisedHistory, "table">) =>
    (wanted.schema == null || wanted.schema === table.schema) && describeTable(table) !== wanted.notTable;
  const isWanted = ({ tool }: RecognisedHistory) =>
    wanted.tools === undefined || wanted.tools.includes(tool.name);
  const look = (found: readonly RecognisedHistory[], ours: (one: FoundHistory) => boolean) =>
    readAll(connection, found.filter(inScope), { all, ours, whose: wanted.whose });
  if (wanted.table !== undefined) {
    const { found, sure } = named(
      all.filter((table) => inScope({ table })),
      all,
      { ...wanted, table: wanted.table },
    );
    return look(found, () => sure);
  }
  const known = recognise(all, TOOLS);
  const { whose } = wanted;
  const maybe = possible(
    all,
    TOOLS.filter((tool) => wanted.tools?.includes(tool.name)),
    known,
  ).filter(inScope);
  const isHere = (one: RecognisedHistory) => isInPlace(one, whose);
  const here = await look([...known.filter(isWanted), ...maybe].filter(isHere), () => true);
  const isConfigured = ({ tool }: RecognisedHistory) => whose.configured(tool) !== null;
  if (here.some((one) => isFilled(one) && isConfigured(one))) return here;
  if (!whose.fresh && here.length > 0) return here;
  // A tool that has its history in one place only does not use a table that was moved. It is asked about while nothing
  // else says what the tool has done.
  const isUseless = ({ tool: { shape } }: RecognisedHistory) =>
    shape.fixed === true && (!whose.fresh || here.some(isFilled));
  const elsewhere = known.filter((one) => isWanted(one) && !isHere(one) && !isUseless(one));
  // Nobody can tell whose an unreadable history is. It matters only while no readable one is in its place.
  const readable = here.some(isFilled) ? elsewhere.filter(({ table }) => table.readable) : elsewhere;
  const others = await look(
    whose.fresh ? readable : elsewhere.filter(({ table }) => table.readable),
    ({ tool, history }) => isProven(tool, history, whose),
  );
  const asked = others.filter((one) => one.ours || (whose.fresh && isFilled(one)));
  if (!whose.fresh || [...here, ...asked].some(isFilled)) return [...here, ...asked];
  const about = await look(
    maybe.filter((one) => !isHere(one) && one.table.readable),
    ({ tool, history }) => isProven(tool, history, whose),
  );
  return [...here, ...about.filter(({ tool, history }) => isAboutThese(tool, history, whose))];
}

/**
 * Every history in the database, and every table under an unusual name that has the columns of one. `ours`: its
 * columns and its name, or its place, make it a history. Unreadable tables are left out, except in their usual place
 * before our first run.
 */
export async function allHistories(
  connection: Connection,
  { schema, whose, except }: Pick<HistoryQuery, "schema" | "whose"> & { readonly except: readonly Tool[] },
): Promise<readonly FoundHistory[]> {
  const { rows } = await connection.query<CandidateRow>(candidates(TOOLS, { anyName: true }));
  const all = relationsOf(rows);
  const known = recognise(all, TOOLS);
  const isConfigured = (one: RecognisedHistory) =>
    whose.configured(one.tool) !== null && isInPlace(one, whose);
  const maybe = possible(all, TOOLS, known);
  const named = maybe.filter(isConfigured);
  const others = likely(maybe.filter(({ table }) => !named.some((one) => one.table === table)));
  const found = [...known, ...named, ...others.filter(({ table }) => table.readable)]
    .filter(({ tool, table }) => !except.includes(tool) && (schema == null || schema === table.schema))
    .filter(({ tool, table }) => table.readable || (whose.fresh && isUsualPlace(tool, table, whose.current)));
  const ours = ({ table }: RecognisedHistory) => [...known, ...named].some((one) => one.table === table);
  return readAll(connection, found, { all, ours, whose });
}

async function readAll(
  connection: Connection,
  found: readonly RecognisedHistory[],
  { all, ours, whose }: { all: readonly Relation[]; ours: (one: FoundHistory) => boolean; whose: Whose },
): Promise<readonly FoundHistory[]> {
  const histories: FoundHistory[] = [];
  for (const one of found) {
    const history = await readHistory(connection, one);
    const own = one.tool.own?.(history, whose.migrations) ?? history;
    const read = { ...one, all, history: own, ours: false };
    histories.push({ ...read, ours: ours(read) });
  }
  return histories;
}

/**
 * The table that the user named: in the named schema, or where its tool would create it. `sure` is false for a table
 * anywhere else, so the user is asked.
 */
function named(
  scope: readonly Relation[],
  all: readonly Relation[],
  { tools, table: name, whose }: HistoryQuery & { readonly table: string },
): { readonly found: readonly RecognisedHistory[]; readonly sure: boolean } {
  const exact = scope.filter((table) => describeTable(table) === name);
  const alike = scope.filter((table) => table.name === name);
  const wanted = TOOLS.filter((tool) => tools === undefined || tools.includes(tool.name));
  const isHere = (table: Relation) =>
    wanted.some(({ shape }) => shape.schema === table.schema) ||
    (whose.current === null ? table.current === true : whose.current === table.schema);
  const near = alike.filter(isHere);
  const tables = exact.length > 0 ? exact : near.length > 0 ? near : alike;
  const found = tables.flatMap((table): RecognisedHistory[] => {
    const [sure] = recognise(all, TOOLS).filter((one) => one.table === table && wanted.includes(one.tool));
    const tool = sure?.tool ?? wanted.find((one) => whyNot(one, table, all) === null);
    return tool === undefined ? [] : [{ tool, table }];
  });
  const [first] = tables;
  if (first !== undefined && found.length === 0) {
    const [tool, another] = wanted;
    const only = another === undefined ? tool : undefined;
    throw notItsTable(first, only, only === undefined ? null : whyNot(only, first, all));
  }
  return { found, sure: exact.length > 0 || near.length > 0 };
}

export async function readHistory(
  connection: Connection,
  { tool, table }: RecognisedHistory,
): Promise<ToolHistory> {
  if (!table.readable) throw unreadable({ tool, table }, connection);
  const { rows } = await connection.query<TextRow>(tool.select(table));
  return tool.read(rows, table);
}

function isFilled({ history }: Pick<FoundHistory, "history">): boolean {
  return history.rows.length > 0 || history.problems.length > 0;
}

/**
 * The one history that has rows. Throws `PlanRefused` (`ADOPT_AMBIGUOUS`) if several have rows, or if nothing proves
 * that it is the history of these files.
 */
export function onlyOne(found: readonly FoundHistory[]): FoundHistory | undefined {
  const filled = found.filter(isFilled);
  if (filled.length > 1) throw ambiguous(filled);
  const [only] = filled;
  if (only !== undefined && !only.ours) throw notProven(only, only.history.rows.length);
  return only ?? found.find(({ ours }) => ours);
}

/** `parents`: see `Tool.match`. */
export function sideBySide(
  { tool, history }: FoundHistory,
  migrations: readonly Migration[],
  parents?: Parents,
): Match {
  return matchRows(tool, history, migrations, parents);
}

function ambiguous(found: readonly FoundHistory[]): GodwitError {
  const list = found.map(({ tool, table, history: { rows } }) => {
    const latest = rows
      .flatMap(({ at }) => at ?? [])
      .sort()
      .at(-1);
    const count = rows.length === 1 ? "1 row" : `${rows.length} rows`;
    return `${describeTable(table)} of ${tool.title} (${count}${latest === undefined ? "" : `, the latest of ${latest}`})`;
  });
  const ofTool = (tool: Tool) => found.filter((one) => one.tool === tool);
  const ways = found.map(({ tool, table }) =>
    ofTool(tool).length === 1
      ? `\`godwit adopt --tool ${tool.name}\``
      : `\`godwit adopt --table ${describeTable(table)}\``,
  );
  const several = found.find(({ tool }) => tool.writer !== undefined && ofTool(tool).length > 1);
  const mirror = several === undefined ? "" : ` To mirror it: --mirror ${several.tool.name}:<schema.table>`;
  return new PlanRefused([
    {
      code: "ADOPT_AMBIGUOUS",
      message: `The database has several histories: ${list.join("; ")}.`,
      hint: `Say which one counts: ${ways.join(" or ")}.${mirror}`,
      details: {
        histories: found.map(({ tool, table, history: { rows } }) => ({
          tool: tool.name,
          table: describeTable(table),
          rows: rows.length,
        })),
      },
    },
  ]);
}

function unreadable({ tool, table }: RecognisedHistory, { server }: Connection): GodwitError {
  const name = describeTable(table);
  const grant =
    table.hidden === true
      ? `As its owner: alter table ${nameOf(table)} disable row level security; or, as superuser: alter role "${server.user}" bypassrls;`
      : `As its owner: grant usage on schema "${table.schema}" to "${server.user}"; grant select, insert, update, delete on ${nameOf(table)} to "${server.user}";`;
  return new PlanRefused([
    {
      code: "ADOPT_CONFLICT",
      message:
        table.hidden === true
          ? `Row level security may hide rows of ${name}, the history of ${tool.title}, from role "${server.user}".`
          : `Role "${server.user}" may not read ${name}, the history of ${tool.title}.`,
      hint: `${grant} Or, if it is another project's: --mirror none:${name}${tool.writer === undefined ? "" : `, or say which one is yours: --mirror ${tool.name}:<schema.table>`}. Nothing was changed.`,
      details: { tool: tool.name, table: name },
    },
  ]);
}

/** Throws `PlanRefused` for a history with a migration that failed or is unfinished. */
export function refuseFailed({ history: { problems } }: FoundHistory): void {
  const [first, ...others] = problems;
  if (first !== undefined) throw new PlanRefused([first, ...others]);
}
