/** Finds what looks like a given picture, with one query on the band indexes. */
import type { Connection } from "../database/connection.ts";
import { ConfigError } from "../errors.ts";
import { type Limits, limitsFrom, MAX_SHOWN } from "./limits.ts";
import { duplicateSql } from "./sql.ts";

export interface Match {
  /** The id of the look, in `import_hashes`. */
  readonly id: number;
  /** How many of 64 and of 256 bits differ. */
  readonly distance: number;
  readonly distance256: number;
  /** Ids of files with this look, the oldest first, at most 200. */
  readonly files: readonly number[];
}

/**
 * The looks near to a picture, the nearest first, exact within the limits. The visual hashes are hex text of 16 and
 * 64 digits, as `describe` returns them. `same256` does not matter here. Before many searches, run `set
 * plan_cache_mode = force_custom_plan` in the session.
 *
 * @example await searchSimilar(connection, "godwit", visual, visual256, { radius: 7, review256: 40 })
 */
export async function searchSimilar(
  connection: Connection,
  schema: string,
  ...[hash, hash256, limits]: [hash: string, hash256: string, limits?: Partial<Limits>]
): Promise<readonly Match[]> {
  const { radius, review256 } = limitsFrom({ same256: 0, ...limits });
  const sql = duplicateSql(schema, connection.server.version);
  const { rows } = await connection.query<Match & Record<string, unknown>>(sql.searchSimilar(radius), [
    signed(digits(hash, 16)),
    bits(digits(hash256, 64)),
    review256,
    MAX_SHOWN,
  ]);
  return rows;
}

function digits(hash: string, count: number): string {
  if (hash.length === count && /^[0-9a-f]+$/i.test(hash)) return hash;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `"${hash}" is not a hash of ${count * 4} bits.`,
    hint: `Give ${count} hexadecimal digits.`,
  });
}

function signed(hex: string): string {
  return String(BigInt.asIntN(64, BigInt(`0x${hex}`)));
}

function bits(hex: string): string {
  return BigInt(`0x${hex}`).toString(2).padStart(256, "0");
}
