/** Finds what looks like a given picture, with one query on the band indexes. */
import type { Connection } from "../../src/database/connection.ts";
import { type Limits, limitsFrom, MAX_SHOWN } from "../../src/duplicates/limits.ts";
import { blank, nearness } from "../../src/duplicates/sql.ts";
import { ConfigError } from "../../src/errors.ts";
import { imageTables } from "../../src/images/sql.ts";

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
  const sql = similarSql(schema, connection.server.version, radius);
  const { rows } = await connection.query<Match & Record<string, unknown>>(sql, [
    signed(digits(hash, 16)),
    bits(digits(hash256, 64)),
    review256,
    MAX_SHOWN,
  ]);
  return rows;
}

function similarSql(schema: string, version: number, radius: number): string {
  const t = imageTables(schema);
  const { distance, distance256, nearby } = nearness(schema, version);
  return `with near as materialized (
  select distinct id from (
    ${nearby("$1::bigint", radius)}) as near),
measured as materialized (
  select h.id, ${distance("h.hash", "$1::bigint")} as distance, ${distance256("h.hash_256", "$2::bit(256)")} as distance_256
  from near join ${t.hashes} h using (id) where not ${blank("h")})
select measured.id::float8 as id, distance::integer, distance_256::integer as "distance256", array(
    select f.id::float8 from ${t.contents} c join ${t.files} f on f.sha256 = c.sha256
    where (c.visual_id = measured.id or c.white_id = measured.id) and f.state = 'stored' order by f.id limit $4) as files
from measured where distance_256 <= $3 order by distance_256, distance, id`;
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
