/** How tools compute the keys of their advisory locks. */
import { crc32 } from "node:zlib";

/** Rails and sqlx: their own constant times the checksum of the database's name. */
export function keyOfDatabase(salt: bigint, database: string): bigint {
  return salt * BigInt(crc32(database));
}

/** golang-migrate: the database as its driver spells it, which for a URL is the whole path. */
export function keyOfGolangMigrate(schema: string, table: string, database: string): bigint {
  const sum = BigInt(crc32([schema, table, database].join("\0")));
  return BigInt.asUintN(32, sum * 1_486_364_155n);
}

/** Flyway: Java's hash of the quoted name of its table. */
export function keyOfFlyway(schema: string, table: string): bigint {
  let hash = 0;
  for (const unit of Array.from({ length: `"${schema}"."${table}"`.length }, (_, at) => at))
    hash = (Math.imul(31, hash) + `"${schema}"."${table}"`.charCodeAt(unit)) | 0;
  return 77_431_708_279_161n + BigInt(hash);
}
