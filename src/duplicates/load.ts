/**
 * Loads all classes of the library as columns of numbers. A class takes 60 bytes, so a million fit beside the
 * application.
 */
import type { Connection } from "../database/connection.ts";
import type { Hashes } from "./bands.ts";
import type { DuplicateSql } from "./sql.ts";

const RECORD_BYTES = 49;
const PAGE = 20_000;

export async function loadHashes(
  connection: Connection,
  sql: DuplicateSql,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Hashes> {
  const pages: Uint8Array[] = [];
  let last = "0";
  for (;;) {
    signal?.throwIfAborted();
    const { rows } = await connection.query(sql.page(), [last, PAGE]);
    const page = rows[0];
    if (!(page?.records instanceof Uint8Array) || typeof page.last !== "string") break;
    pages.push(page.records);
    last = page.last;
  }
  return decode(pages);
}

function decode(pages: Uint8Array[]): Hashes {
  const count = pages.reduce((sum, page) => sum + page.byteLength / RECORD_BYTES, 0);
  const ids = new Float64Array(count);
  const high = new Uint32Array(count);
  const low = new Uint32Array(count);
  const words256 = new Uint32Array(count * 8);
  const isNew = new Uint8Array(count);
  let one = 0;
  // Each page is released as soon as it is read.
  for (let page = pages.shift(); page !== undefined; page = pages.shift()) {
    const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
    for (let at = 0; at < page.byteLength; at += RECORD_BYTES, one++) {
      ids[one] = view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
      high[one] = view.getUint32(at + 8);
      low[one] = view.getUint32(at + 12);
      for (let word = 0; word < 8; word++) words256[one * 8 + word] = view.getUint32(at + 16 + word * 4);
      isNew[one] = view.getUint8(at + 48) === 0 ? 1 : 0;
    }
  }
  return { count, ids, high, low, words256, isNew };
}
