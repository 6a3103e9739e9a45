/** Lists the groups that need a decision, page by page, with everything that a person needs to decide. */
import type { Connection } from "../database/connection.ts";
import type { DuplicateCounts, DuplicateFile, DuplicateGroup, Duplicates, GroupKind } from "./duplicates.ts";
import type { Group } from "./group.ts";
import { groupLibrary } from "./library.ts";
import { type Limits, limitsFrom, MAX_SHOWN } from "./limits.ts";
import { duplicateSql } from "./sql.ts";

export interface FindOptions {
  readonly limits?: Partial<Limits> | undefined;
  /** How many groups and how many pairs are listed. Default 50. */
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
  /** The kinds of groups to list, and `review` for pairs. Default: all. */
  readonly kinds?: readonly (GroupKind | "review")[] | undefined;
  /** Whether decided groups are listed too. Default `false`. */
  readonly settled?: boolean | undefined;
}

const DEFAULT_PAGE = 50;

/**
 * Reads only. Looks that are not compared yet are grouped by equal bytes and equal looks. `counts.pending` says how
 * many there are.
 *
 * @example const { groups, review, counts } = await findDuplicates(connection, "godwit", { limit: 20 })
 */
export async function findDuplicates(
  connection: Connection,
  schema: string,
  options: FindOptions = {},
): Promise<Duplicates> {
  const limits = limitsFrom(options.limits);
  const { offset = 0, limit = DEFAULT_PAGE, kinds = ["exact", "same", "review"] } = options;
  const sql = duplicateSql(schema, connection.server.version);
  const { groups, review } = await groupLibrary(connection, sql, limits);
  const number = async (text: string) =>
    Number(Object.values((await connection.query(text)).rows[0] ?? {})[0]);

  const open = groups.filter(({ settled }) => !settled);
  const count = (kind: GroupKind) => open.filter((group) => group.kind === kind).length;
  const counts: DuplicateCounts = {
    files: await number(sql.stored()),
    exact: count("exact"),
    same: count("same"),
    surplus: open.reduce((sum, { members }) => sum + members.length - 1, 0),
    exactCopies: open.reduce((sum, { copies }) => sum + copies, 0),
    unsure: open.reduce((sum, group) => sum + group.unsure.length, 0),
    review: review.length,
    settled: groups.length - open.length,
    pending: await number(sql.pending()),
    crowded: await number(sql.crowded()),
  };

  const wantedGroups = (options.settled === true ? groups : open).filter(({ kind }) => kinds.includes(kind));
  const wantedPairs = kinds.includes("review") ? review : [];
  const listed = wantedGroups
    .slice(offset, offset + limit)
    .map((group) => (group.settled ? withAllMembers(group) : group));
  const pairs = wantedPairs.slice(offset, offset + limit);
  const wanted = [
    ...listed.flatMap(({ shown }) => shown),
    ...pairs.flatMap(({ left, right }) => [left, right]),
  ];
  const details = await connection.query<Details & Record<string, unknown>>(sql.details(), [
    [...new Set(wanted)],
  ]);
  const byId = new Map(details.rows.map((row) => [row.id, row]));
  const filesOf = (ids: readonly number[]) => ids.flatMap((id) => byId.get(id) ?? []);

  return {
    // A file may disappear between two queries, and its group with it.
    groups: listed.flatMap((group) => {
      const files = filesOf(group.shown);
      return files.length < 2 ? [] : [present(group, files)];
    }),
    review: pairs.flatMap(({ left, right, distance, distance256, colours }) => {
      const [one, another] = marked(filesOf([left, right]), []);
      return one && another ? [{ files: [one, another] as const, distance, distance256, colours }] : [];
    }),
    counts,
    page: { offset, limit, groups: wantedGroups.length, pairs: wantedPairs.length },
    limits,
  };
}

type Details = Omit<DuplicateFile, "kept" | "suggested">;

/** A decided group shows all of its members. */
function withAllMembers(group: Group): Group {
  const shown = group.members.slice(0, MAX_SHOWN);
  return { ...group, shown, truncated: group.members.length > MAX_SHOWN };
}

function present(group: Group, files: readonly Details[]): DuplicateGroup {
  return {
    id: group.id,
    kind: group.kind,
    files: marked(files, group.kept),
    size: group.members.length,
    exactCopies: group.copies,
    unsure: group.unsure.filter((id) => files.some((file) => file.id === id)),
    truncated: group.truncated,
    settled: group.settled,
  };
}

function marked(files: readonly Details[], kept: readonly number[]): readonly DuplicateFile[] {
  const [best] = files.toSorted(better);
  return files.map((file) => ({ ...file, kept: kept.includes(file.id), suggested: file === best }));
}

function better(left: Details, right: Details): number {
  return (
    right.width * right.height - left.width * left.height ||
    Number(right.hasAlpha) - Number(left.hasAlpha) ||
    right.sizeBytes - left.sizeBytes ||
    left.id - right.id
  );
}
