/** What looks like a given picture: one query, by the band indexes. */
import type { Connection } from "../database/connection.ts";
import { ConfigError } from "../errors.ts";
import { type Limits, limitsFrom, MAX_SHOWN } from "./limits.ts";
import { duplicateSql } from "./sql.ts";

export interface Match {
  /** Of `import_hashes`. */
  readonly id: number;
  /** Bits of 64 and of 256 that differ. */
  readonly distance: number;
  readonly distance256: number;
  /** Ids of the files that look so, oldest first, at most 200. */
  readonly files: readonly number[];
}

/**
 * Looks near to a picture whose visual hashes are given as hex (16 and 64 digits, as `describe` gives them), nearest
 * first; exact within the limits. `same256` does not matter here. Where many searches follow one another, let the
 * session `set plan_cache_mode = force_custom_plan`.
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
