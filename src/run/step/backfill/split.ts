/** Chooses the ranges in which several workers go through a table, from a sample of its keys. */
import { randomUUID } from "node:crypto";
import type { KeyValue } from "../../../backfill/key.ts";
import { blocksOf, sampledBounds } from "../../../backfill/sample.ts";
import type { BackfillRange } from "../../../ledger/backfill-ranges-sql.ts";
import { ownTransaction } from "../frame.ts";
import { throughLocks } from "./again.ts";
import type { Filling } from "./filling.ts";
import { inLedger } from "./ledger-waits.ts";
import { unplaced } from "./unplaced.ts";

/** A worker that is done early takes another range. */
const RANGES_EACH = 4;
/** Keys that are read to choose the ranges, in blocks of the table. */
const SAMPLED_BLOCKS = 1_000;

/** Chooses the ranges, and writes them down. Returns the claim. */
export async function split(filling: Filling, bound: KeyValue, workers: number): Promise<string> {
  const { context, prepared, parts } = filling;
  const { connection, ledger } = context;
  const { revision } = prepared.step;
  const claim = randomUUID();
  const ranges = await throughLocks(filling, () => rangesOf(filling, bound, workers * RANGES_EACH));
  const written = `${ledger.sql.createRanges()} ${ledger.sql.forgetRanges(revision)}; ${ledger.sql.beginRanges(revision, claim, ranges)}; ${ledger.sql.rangesBegun(revision)}`;
  await inLedger(filling, null, () => connection.execute(ownTransaction(parts, written)));
  return claim;
}

async function rangesOf(
  { context: { connection }, table, state }: Filling,
  bound: KeyValue,
  count: number,
): Promise<readonly BackfillRange[]> {
  const [sizes] = await connection.execute(blocksOf(table)).catch(unplaced);
  const blocks = Number(sizes?.rows[0]?.blocks ?? 0);
  const percent = blocks <= SAMPLED_BLOCKS ? 100 : (SAMPLED_BLOCKS / blocks) * 100;
  const text = sampledBounds(table, { from: state.position, to: bound, percent, count });
  const [answer] = await connection.execute(text).catch(unplaced);
  const uppers = [...(answer?.rows ?? []).map(({ key }) => key as KeyValue), bound];
  return uppers.map((upper, at) => ({
    number: at + 1,
    lower: at === 0 ? state.position : (uppers[at - 1] as KeyValue),
    upper,
    position: null,
  }));
}
