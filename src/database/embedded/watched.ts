/** A connection to a server of our own, where every answer is followed by a look at what the server stands on: its folder, its disk. */
import type { Connection } from "../connection.ts";

/** `check` throws what is to be said instead of an answer. It is handed the error of a statement that failed. */
export function watchedConnection(connection: Connection, check: (error?: unknown) => void): Connection {
  const watched = async <T>(answer: Promise<T>): Promise<T> => {
    const [settled] = await Promise.allSettled([answer]);
    if (settled.status === "fulfilled") check();
    else check(settled.reason);
    return answer;
  };
  return {
    get capabilities() {
      return connection.capabilities;
    },
    get server() {
      return connection.server;
    },
    get pooler() {
      return connection.pooler;
    },
    get lost() {
      return connection.lost;
    },
    query: (text, parameters) => watched(connection.query(text, parameters)),
    ask: (text, parameters, options) => watched(connection.ask(text, parameters, options)),
    parameterKinds: (text) => watched(connection.parameterKinds(text)),
    execute: (text, options) => watched(connection.execute(text, options)),
    onNotice: (listener) => connection.onNotice(listener),
    cancel: () => connection.cancel(),
    blockers: () => connection.blockers(),
    close: () => connection.close(),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}
