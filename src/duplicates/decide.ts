/**
 * Records what people decide about duplicates. A decision is about two files, which keep their ids when they move.
 * The last decision counts. Repeating it changes nothing.
 */
import type { Connection } from "../database/connection.ts";
import { ConfigError } from "../errors.ts";
import { isFar } from "./colours.ts";
import { groupLibrary } from "./library.ts";
import { type Limits, limitsFrom } from "./limits.ts";
import { type DuplicateSql, duplicateSql } from "./sql.ts";

/** The id of a file, or its path as the listing prints it. */
export type FileName = number | string;

export type Decision =
  /** Each of these files is a design different from all others. */
  | { readonly kind: "distinct"; readonly files: readonly FileName[] }
  /** The others are copies of this file: the named ones, or all certain members of its group. */
  | { readonly kind: "keep"; readonly file: FileName; readonly others?: readonly FileName[] }
  /** Withdraws all decisions between these files, or about the only one. */
  | { readonly kind: "forget"; readonly files: readonly FileName[] };

export interface Decided {
  readonly kind: Decision["kind"];
  /** The files that the decision is about. The kept one is first. */
  readonly files: readonly { readonly id: number; readonly path: string }[];
  /** How many decisions are new, changed or gone. 0: the same was decided before. */
  readonly changed: number;
  /**
   * For `keep` of a whole group: files that were left open, because their colours cannot be compared with those of
   * the kept one.
   */
  readonly unsure?: readonly KnownFile[];
}

export interface DecideOptions {
  /** The limits that the group of `keep` was listed with. */
  readonly limits?: Partial<Limits> | undefined;
}

/**
 * Records one decision. Throws `ConfigError`: `IMAGE_UNKNOWN` if a file is unknown or has no duplicates,
 * `CONFIG_INVALID` if too few are named.
 *
 * @example await decide(connection, "godwit", { kind: "keep", file: 12 })
 */
export async function decide(
  connection: Connection,
  schema: string,
  ...[decision, options = {}]: [decision: Decision, options?: DecideOptions]
): Promise<Decided> {
  const sql = duplicateSql(schema, connection.server.version);
  const given = decision.kind === "keep" ? [decision.file, ...(decision.others ?? [])] : decision.files;
  const files = unique(await Promise.all(given.map((name) => fileOf(connection, sql, name))));
  const ids = files.map(({ id }) => id);
  if (decision.kind === "forget") {
    if (ids.length === 0) throw tooFew("forget");
    return { kind: "forget", files, changed: await forget(connection, sql, ids) };
  }
  if (decision.kind === "distinct") {
    if (ids.length < 2) throw tooFew("distinct", ids[0]);
    const pairs = ids.flatMap((one, at) => ids.slice(at + 1).map((other) => [one, other] as const));
    return {
      kind: "distinct",
      files,
      changed: await store(connection, sql, { pairs, kept: null }),
    };
  }
  const [kept] = files;
  if (kept === undefined) throw tooFew("keep");
  if (given.length > 1 && ids.length < 2)
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `--keep names file ${kept.id} (${kept.path}) as its own copy.`,
      hint: `Name the others: \`godwit duplicates --keep ${kept.id} <id …>\`; or none, for all of its group: \`godwit duplicates --keep ${kept.id}\`.`,
    });
  const { others, unsure } =
    decision.others === undefined
      ? await groupAround(connection, sql, { file: kept, limits: limitsFrom(options.limits) })
      : { others: ids.slice(1), unsure: [] };
  const pairs = others.map((other) => [kept.id, other] as const);
  const changed = await store(connection, sql, { pairs, kept: kept.id });
  const byId = new Map(files.map((file) => [file.id, file]));
  const named = async (some: readonly number[]) =>
    Promise.all(some.map((id) => byId.get(id) ?? fileOf(connection, sql, id)));
  const left = unsure.length === 0 ? {} : { unsure: await named(unsure) };
  return { kind: "keep", files: [kept, ...(await named(others))], changed, ...left };
}

const BY_NAME = "Name a file by the id or the path that `godwit duplicates` prints.";

interface KnownFile {
  readonly id: number;
  readonly path: string;
}

async function store(
  connection: Connection,
  sql: DuplicateSql,
  { pairs, kept }: { pairs: readonly (readonly [number, number])[]; kept: number | null },
): Promise<number> {
  await connection.execute("begin");
  try {
    let changed = 0;
    if (kept !== null) {
      const members = [kept, ...pairs.map(([, other]) => other)];
      changed += (await connection.query(sql.withdrawDuplicates(), [members, kept])).rowCount ?? 0;
    }
    const { rowCount } = await connection.query(sql.decide(), [
      pairs.map(([one]) => one),
      pairs.map(([, other]) => other),
      kept === null ? "distinct" : "duplicate",
      kept,
    ]);
    await connection.execute("commit");
    return changed + (rowCount ?? 0);
  } catch (error) {
    if (!connection.lost.aborted) await connection.execute("rollback").catch(() => {});
    throw error;
  }
}

async function forget(connection: Connection, sql: DuplicateSql, ids: readonly number[]): Promise<number> {
  const { rowCount } =
    ids.length === 1
      ? await connection.query(sql.forgetAbout(), [ids[0] ?? 0])
      : await connection.query(sql.forgetAmong(), [ids]);
  return rowCount ?? 0;
}

async function groupAround(
  connection: Connection,
  sql: DuplicateSql,
  { file, limits }: { file: KnownFile; limits: Limits },
): Promise<{ readonly others: readonly number[]; readonly unsure: readonly number[] }> {
  const { groups, contentOf, compareColours } = await groupLibrary(connection, sql, limits);
  const group = groups.find(({ members }) => members.includes(file.id));
  if (group !== undefined) {
    // Members were compared with the oldest file, and the kept one may be another. A copy must be near the kept one.
    const content = contentOf.get(file.id) ?? -1;
    const isSure = (id: number) => {
      const other = contentOf.get(id) ?? -2;
      const colours = other === content ? 0 : compareColours(content, other);
      return colours !== null && !isFar(colours);
    };
    const rest = group.members.filter((id) => id !== file.id);
    return { others: rest.filter(isSure), unsure: rest.filter((id) => !isSure(id)) };
  }
  throw new ConfigError({
    code: "IMAGE_UNKNOWN",
    message: `File ${file.id} (${file.path}) is in no group of duplicates.`,
    hint: `Name the files that are copies of it, too: \`godwit duplicates --keep ${file.id} <id …>\`.`,
  });
}

async function fileOf(connection: Connection, sql: DuplicateSql, name: FileName): Promise<KnownFile> {
  const asId = typeof name === "number" ? String(name) : name;
  if (/^\d{1,15}$/.test(asId)) {
    const { rows } = await connection.query<KnownFile & Record<string, unknown>>(sql.fileById(), [asId]);
    const [file] = rows;
    if (file !== undefined) return { id: file.id, path: file.path };
  }
  const { rows } = await connection.query<
    KnownFile & Record<string, unknown> & { import: string; state: string }
  >(sql.filesByPath(), [String(name)]);
  const [first, second] = rows;
  if (first === undefined) throw await unknown(connection, sql, String(name));
  if (second === undefined || (first.state === "stored" && second.state !== "stored"))
    return { id: first.id, path: first.path };
  throw new ConfigError({
    code: "IMAGE_UNKNOWN",
    message: `"${name}" is the path of several files: ${rows.map((row) => `${row.id} of ${row.import}`).join(", ")}.`,
    hint: "Name it by its id.",
  });
}

async function unknown(connection: Connection, sql: DuplicateSql, name: string): Promise<ConfigError> {
  const { rows } = await connection.query(sql.pathsLike(), [name.slice(name.lastIndexOf("/") + 1)]);
  const paths = rows.map(({ path }) => `"${path}"`);
  return new ConfigError({
    code: "IMAGE_UNKNOWN",
    message: `There is no imported file "${name}".`,
    hint: paths.length > 0 ? `Did you mean ${paths.join(" or ")}?` : BY_NAME,
  });
}

/** `one`: the only file that is named. */
function tooFew(kind: Decision["kind"], one?: number): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `--${kind} names too few files.`,
    hint: one === undefined ? BY_NAME : `Name the others: \`godwit duplicates --${kind} ${one} <id …>\`.`,
  });
}

function unique(files: readonly KnownFile[]): readonly KnownFile[] {
  return [...new Map(files.map((file) => [file.id, file])).values()];
}
