/** Chooses the history that `adopt` takes over, and the files that it is compared with. */
import type { Connection } from "../../database/connection.ts";
import { SourceError } from "../../errors.ts";
import type { Listing } from "../../source/source.ts";
import { toolsOf } from "../../tools/tools.ts";
import { type FoundHistory, findHistories, type HistoryQuery, onlyOne } from "../mirror/histories.ts";
import { parseMirror, tableOfOthers } from "../mirror/mirror-setting.ts";
import { whoseOf } from "../mirror/whose.ts";
import type { Target } from "../session/target.ts";
import { nothing, otherLayout } from "./problems.ts";

export const NO_FILES: Listing = { migrations: [], problems: [] };

export function isEmpty({ history: { rows, problems } }: FoundHistory): boolean {
  return rows.length + problems.length === 0;
}

/** Throws `PlanRefused` (`ADOPT_…`). If the files cannot be read, pass none: then none of them proves anything. */
export async function chooseHistory(
  target: Target,
  connection: Connection,
  {
    tool,
    table,
    files,
    known,
  }: {
    readonly tool?: string | undefined;
    readonly table?: string | undefined;
    readonly files: Listing;
    /** Whether our ledger knows of rows that an empty history had. */
    readonly known: (found: FoundHistory) => boolean;
  },
): Promise<FoundHistory> {
  const wanted = {
    tools: tool === undefined ? undefined : [tool],
    table,
    schema: target.settings.schema,
    notTable: tableOfOthers(target.settings.mirror),
    whose: whoseOf(target, files.migrations, true),
  };
  // The mirrored history was named in the configuration already.
  const mirror = parseMirror(target.settings.mirror);
  const said = mirror === null || mirror === "none" || (tool ?? mirror.tool) !== mirror.tool ? null : mirror;
  const named =
    said?.table === undefined || table !== undefined
      ? undefined
      : await theOnly(target, connection, { ...wanted, tools: [said.tool], table: said.table });
  const found = named ?? (await theOnly(target, connection, wanted));
  if (found === undefined || (isEmpty(found) && !known(found))) throw nothing(connection, found, tool);
  const layout = target.source.layout;
  if (found.tool.layouts.length > 0 && !found.tool.layouts.includes(layout) && toolsOf(layout).length > 0)
    throw otherLayout(found, layout);
  return found;
}

/**
 * The one history that counts. If the migrations of its tool are programs, none of them runs here. Then it does not
 * matter whose history it is: the user decides by adopting it.
 */
async function theOnly(
  target: Target,
  connection: Connection,
  wanted: HistoryQuery,
): Promise<FoundHistory | undefined> {
  const own = toolsOf(target.source.layout).map(({ name }) => name);
  const found = await findHistories(connection, wanted);
  const maybe =
    found.length > 0 || wanted.tools !== undefined || wanted.table !== undefined || own.length === 0
      ? found
      : await findHistories(connection, { ...wanted, tools: own });
  return onlyOne(maybe.map((one) => (one.tool.layouts.length === 0 ? { ...one, ours: true } : one)));
}

/**
 * An empty listing, for a tool whose files do not run here: the new folder may not exist yet, or may be the tool's
 * own. Throws `error` in any other case.
 */
export function withoutFiles({ source }: Target, { tool }: FoundHistory, error: unknown): Listing {
  const absent = ["SOURCE_FOLDER_MISSING", "SOURCE_FOLDER_EMPTY", "LAYOUT_REFUSED"];
  const isOwn = tool.layouts.includes(source.layout);
  if (!(error instanceof SourceError) || isOwn || tool.layouts.length > 0 || !absent.includes(error.code))
    throw error;
  return NO_FILES;
}
