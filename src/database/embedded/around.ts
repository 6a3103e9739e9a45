/** A connection whose questions all go through one function. */
import type { Connection } from "../connection.ts";

export type Around = <T>(ask: () => Promise<T>) => Promise<T>;

export function aroundAnswers(connection: Connection, around: Around): Connection {
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
    query: (text, parameters) => around(() => connection.query(text, parameters)),
    ask: (text, parameters, options) => around(() => connection.ask(text, parameters, options)),
    parameterKinds: (text) => around(() => connection.parameterKinds(text)),
    execute: (text, options) => around(() => connection.execute(text, options)),
    onNotice: (listener) => connection.onNotice(listener),
    cancel: () => connection.cancel(),
    blockers: () => connection.blockers(),
    close: () => connection.close(),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}
