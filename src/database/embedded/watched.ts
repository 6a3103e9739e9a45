/** A connection to the embedded server, which asks after every answer whether the server's folder is still there. */
import type { Connection } from "../connection.ts";

/** `check` throws what is to be said in the place of an answer, or of an error that the server had no other way to put. */
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
