/**
 * A connection to a scratch server whose run has been told to end: whatever is under way there, nothing of it is worth waiting for.
 * A statement that was cancelled instead would look like one that the server refuses, and the next one would be tried.
 */
import { orAbort } from "../../std/time.ts";
import type { Connection } from "../connection.ts";

export function endedConnection(connection: Connection, signal: AbortSignal): Connection {
  const asked = <T>(ask: () => Promise<T>): Promise<T> =>
    signal.aborted ? Promise.reject(signal.reason) : orAbort(ask(), signal);
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
    query: (text, parameters) => asked(() => connection.query(text, parameters)),
    ask: (text, parameters, options) => asked(() => connection.ask(text, parameters, options)),
    parameterKinds: (text) => asked(() => connection.parameterKinds(text)),
    execute: (text, options) => asked(() => connection.execute(text, options)),
    onNotice: (listener) => connection.onNotice(listener),
    cancel: () => connection.cancel(),
    blockers: () => connection.blockers(),
    close: () => connection.close(),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}
