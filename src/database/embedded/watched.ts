/** A connection to a server of our own, where every answer is followed by a look at what the server stands on: its folder, its disk. */
import type { Connection } from "../connection.ts";
import { aroundAnswers } from "./around.ts";

/** `check` throws what is to be said instead of an answer. It is handed the error of a statement that failed. */
export function watchedConnection(
  connection: Connection,
  check: (error?: unknown) => void | Promise<void>,
): Connection {
  return aroundAnswers(connection, async (ask) => {
    const answer = ask();
    const [settled] = await Promise.allSettled([answer]);
    if (settled.status === "fulfilled") await check();
    else await check(settled.reason);
    return answer;
  });
}
