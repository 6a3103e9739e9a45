/**
 * Finds tools whose rows are heads of a graph, and whose graph may be that of these files. Such a row implies what is below
 * it. So it says something of a file although no row has its name.
 */
import type { Migration } from "../../core/migration.ts";
import type { Connection } from "../../database/connection.ts";
import type { RecordedHistory } from "../../ledger/ledger.ts";
import type { Listing } from "../../source/source.ts";
import { isShortNumber } from "../../tools/alembic.ts";
import type { Tool } from "../../tools/tool.ts";
import { isOwnLayout, TOOLS } from "../../tools/tools.ts";
import type { Target } from "../session/target.ts";
import { allHistories } from "./histories.ts";
import { parseMirror } from "./mirror-setting.ts";
import { readableOnly, whoseOf } from "./whose.ts";

interface Files {
  readonly files: Listing;
  readonly history: RecordedHistory;
  readonly pending: readonly Migration[];
  /** Tools whose histories are looked at anyway. */
  readonly except: readonly Tool[];
}

/**
 * The tools that have to be looked at although nothing was adopted from them: a row implies a pending file, or may imply one.
 * The second counts only until something has run here.
 */
export async function toolsAtHeads(
  target: Target,
  connection: Connection,
  { files: { migrations }, history: { entries }, pending, except }: Files,
): Promise<readonly Tool[]> {
  const isGraph = migrations.some(({ kind, revises }) => kind !== "repeatable" && revises !== null);
  const setting = parseMirror(target.settings.mirror);
  if (!isOwnLayout(target.source.layout) || setting !== null || !isGraph || pending.length === 0) return [];
  const ids = new Set(pending.map(({ id }) => id));
  const untouched = entries.every(({ baseline }) => baseline);
  const others = TOOLS.filter((tool) => tool.heads === undefined || except.includes(tool));
  const whose = readableOnly(whoseOf(target, migrations, untouched));
  const { schema = null } = target.settings;
  const found = (await allHistories(connection, { schema, whose, except: others })).filter(
    ({ tool, history, ours }) => {
      // Two projects share a short number by chance. It counts as long as nothing has run here.
      if (!untouched && history.rows.every(({ name }) => isShortNumber(name))) return false;
      const { applied = [], unplaced = [] } = tool.match?.(history, migrations) ?? {};
      const counted = ours && untouched ? [...applied, ...unplaced] : applied;
      return counted.some(({ id }) => ids.has(id));
    },
  );
  return [...new Set(found.map(({ tool }) => tool))];
}
