/** How long a statement takes on the scratch server. */
import type { Connection } from "../database/connection.ts";
import { DatabaseError } from "../errors.ts";

/** What is done that fast is done more often: one time of it says little. */
const FAST_MS = 150;
const TIMES = 3;
/** What the first time may take more than the middle of all; what is beyond it is other work of the machine. */
const FIRST = 1.3;

/**
 * A run carries it out once, so the first time counts, as far as those after it confirm it. The last time stays.
 * `null`: the server refuses it.
 */
export async function timeOf(connection: Connection, text: string): Promise<number | null> {
  const times: number[] = [];
  // What these leave behind, no ROLLBACK takes away.
  const mayRepeat = !/^\s*(?:update|insert|merge)\b/i.test(text);
  while (mayRepeat && times.length < TIMES - 1) {
    const ms = await undone(connection, text);
    if (ms === null) break;
    times.push(ms);
    if (ms > FAST_MS) break;
  }
  const last = await attempt(connection, text);
  if (last === null) return null;
  times.push(last);
  const [first = last] = times;
  const middle = times.sort((a, b) => a - b)[(times.length - 1) >> 1] ?? last;
  return Math.min(first, middle * FIRST);
}

/** Carries it out, and takes it back. `null`: it can't be in a transaction, or fails. */
async function undone(connection: Connection, text: string): Promise<number | null> {
  await connection.execute("begin");
  const ms = await attempt(connection, text);
  if (ms !== null) await connection.execute("rollback");
  return ms;
}

/** How long it took. `null`: the server refuses it. */
export async function attempt(connection: Connection, text: string): Promise<number | null> {
  const began = performance.now();
  try {
    await connection.execute(text, { rows: "discard" });
    return performance.now() - began;
  } catch (error) {
    if (!(error instanceof DatabaseError) || connection.lost.aborted) throw error;
    await connection.execute("rollback");
    return null;
  }
}
