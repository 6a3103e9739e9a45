/**
 * Messages in one open transaction. Each that changes something is a savepoint, so that one that is refused leaves what the
 * others have done. What only reads leaves no setting behind.
 */
import type { Connection } from "../database/connection.ts";

export interface InTransaction {
  /** For statements. */
  readonly writer: Connection;
  /** For questions, which may begin and end a transaction of their own. */
  readonly reader: Connection;
}

const MARK = "godwit_diff";
const BACK = `rollback to savepoint ${MARK};\nrelease savepoint ${MARK}`;

export function inTransaction(connection: Connection): InTransaction {
  const writer: Pick<Connection, "execute"> = {
    async execute(text, options) {
      try {
        // A text may end with a comment.
        return await connection.execute(`savepoint ${MARK};\n${text}\n;\nrelease savepoint ${MARK}`, options);
      } catch (error) {
        if (!connection.lost.aborted) await connection.execute(BACK);
        throw error;
      }
    },
  };
  const reader: Pick<Connection, "execute" | "query"> = {
    execute: (text, options) => connection.execute(`savepoint ${MARK};\n${text}\n;\n${BACK}`, options),
    async query(text, parameters) {
      const [word = ""] = /^\w+/.exec(text.trim()) ?? [];
      const control = { begin: `savepoint ${MARK}`, commit: BACK, rollback: BACK }[word.toLowerCase()];
      if (control === undefined) return connection.query(text, parameters);
      await connection.execute(control);
      return { rows: [], rowCount: null, command: word };
    },
  };
  return { writer: over(connection, writer), reader: over(connection, reader) };
}

function over(connection: Connection, own: Partial<Connection>): Connection {
  return new Proxy(connection, {
    get(target, key) {
      if (key in own) return Reflect.get(own, key);
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
