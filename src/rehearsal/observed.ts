/**
 * A connection to the scratch server whose statements of a migration are measured one by one. The engine that uses it is the
 * ordinary one. Its own statements pass unseen; a text of a migration is split, and behind each statement a second session
 * looks at the locks, while the transaction is still open.
 *
 * Messages are answered in the order in which they came, and one at a time: the engine sends several without waiting.
 *
 * An extension that the scratch server lacks is passed over, inside a savepoint. From there on each statement has a savepoint:
 * one that fails may need what is missing. It counts as not rehearsed, and the step goes on.
 */
import { accept } from "../core/sql/cursor.ts";
import { type Statement, splitStatements } from "../core/sql/statements.ts";
import type { Connection, Result } from "../database/connection.ts";
import { DatabaseError } from "../errors.ts";
import { codePointOffset } from "../std/text.ts";
import { isInTransaction, locksOf, type Relation, relationsOf } from "./catalog.ts";
import { effectsOf } from "./measure.ts";
import { gated, type Open } from "./outside.ts";
import type { Recorder } from "./recorder.ts";
import { understandingOf, whyNotRun } from "./unsafe.ts";

export interface ObservedOptions {
  /** A second session on the same database. */
  readonly observer: Connection;
  readonly open: Open;
  readonly recorder: Recorder;
  /** `false`: statements are carried out, and nobody looks what they do. */
  readonly measures: boolean;
}

export function observedConnection(connection: Connection, options: ObservedOptions): Connection {
  let last: Promise<unknown> = Promise.resolve();
  const inOrder = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work, work);
    last = mine.catch(() => {});
    return mine;
  };
  const observed = new Observed(connection, options);
  return {
    get capabilities() {
      // One step at a time, so that what is seen belongs to the step that is under way.
      return { ...connection.capabilities, pipeline: false };
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
    query: (text, parameters) => inOrder(() => connection.query(text, parameters)),
    ask: (text, parameters, more) =>
      inOrder(() =>
        observed.call(whole(text), {
          run: () => connection.ask(text, parameters, more),
          pass: () => connection.ask("select where false", []),
        }),
      ),
    parameterKinds: (text) => inOrder(() => connection.parameterKinds(text)),
    execute: (text, more) =>
      inOrder(() =>
        more?.rows === "discard"
          ? observed.each(text, (one) => connection.execute(one, more))
          : connection.execute(text, more),
      ),
    onNotice: (listener) => connection.onNotice(listener),
    cancel: () => connection.cancel(),
    blockers: () => connection.blockers(),
    close: () => connection.close(),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

function whole(text: string): Statement {
  return splitStatements(text)[0] ?? { text, start: 0, end: text.length, line: 1 };
}

interface Ways<T> {
  readonly run: () => Promise<T>;
  /** The answer of a statement that is not run. */
  readonly pass: () => Promise<T>;
}

class Observed {
  readonly #connection: Connection;
  readonly #options: ObservedOptions;
  /** Behind the statement before, of the same text. */
  #relations: Map<string, Relation> | null = null;

  constructor(connection: Connection, options: ObservedOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** A text of several statements. Errors have the position in the whole text. */
  async each(text: string, run: (text: string) => Promise<readonly Result[]>): Promise<readonly Result[]> {
    const statements = splitStatements(text);
    if (statements.length === 0) return run(text);
    const results: Result[] = [];
    this.#relations = null;
    for (const [index, statement] of statements.entries())
      try {
        const ways = { run: () => run(statement.text), pass: async () => [] };
        results.push(...(await this.one(statement, ways)));
      } catch (error) {
        if (!(error instanceof DatabaseError)) throw error;
        const characters = codePointOffset(text, statement.start);
        throw error.within({ characters: -characters, statements: -index });
      }
    return results;
  }

  /** A statement that code has sent. Others of its own may have come between. */
  call<T>(statement: Statement, ways: Ways<T>): Promise<T> {
    this.#relations = null;
    return this.one(statement, ways);
  }

  async one<T>(statement: Statement, { run, pass }: Ways<T>): Promise<T> {
    const { observer, recorder, measures } = this.#options;
    const { backendPid } = this.#connection.server;
    const refused = whyNotRun(statement.text);
    // Of most statements nothing is asked then, and a thousand migrations are soon there.
    const mayFail = makesExtension(statement.text) || recorder.lacking.size > 0;
    if (!measures && refused === null && !mayFail) return run();
    const inTransaction = await isInTransaction(observer, backendPid);
    const base = { text: statement.text, line: statement.line, inTransaction };
    if (refused !== null) {
      if (refused.lacks !== null) recorder.lacking.add(refused.lacks);
      recorder.notRun(base, refused.because);
      return pass();
    }
    const attempt = inTransaction && mayFail ? () => this.#leniently(statement.text, run) : run;
    if (!measures)
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof PassedOver)) throw error;
        recorder.notRun(base, error.message);
        return pass();
      }
    const source = inTransaction ? this.#connection : observer;
    const before = (inTransaction ? this.#relations : null) ?? new Map(await relationsOf(source));
    const first = recorder.begun(before);
    const had = await locksOf(observer, backendPid);
    const started = performance.now();
    const { outcome, locks } = inTransaction
      ? await directly(attempt)
      : await gated(attempt, {
          ...{ text: statement.text, pid: backendPid, relations: before, observer },
          open: this.#options.open,
        });
    const durationMs = performance.now() - started;
    if (outcome.status === "rejected") {
      if (outcome.reason instanceof PassedOver) {
        recorder.notRun(base, outcome.reason.message);
        return pass();
      }
      recorder.failed(base, outcome.reason);
      throw outcome.reason;
    }
    const has = inTransaction ? await locksOf(observer, backendPid) : (locks ?? []);
    // Inside a transaction nothing changes but what the session has locked.
    const old = has.flatMap(({ oid }) => (first.has(oid) ? [oid] : []));
    const after = await relationsOf(source, inTransaction ? old : undefined);
    const heldUntil = inTransaction ? "transaction" : "statement";
    recorder.seen({
      ...base,
      ...effectsOf(statement.text, { first, before, after, had, has, heldUntil }),
      durationMs,
      failure: null,
      notRehearsed: null,
      notUnderstood: inTransaction ? null : understandingOf(statement.text),
    });
    for (const [oid, relation] of after) before.set(oid, relation);
    this.#relations = before;
    return outcome.value;
  }

  /** Throws `PassedOver` where it fails by what the scratch server lacks. */
  async #leniently<T>(text: string, run: () => Promise<T>): Promise<T> {
    const { lacking } = this.#options.recorder;
    const ofTransaction = [
      "set",
      "reset",
      "savepoint",
      "release",
      "rollback",
      "commit",
      "begin",
      "end",
      "abort",
    ];
    if (ofTransaction.some((word) => accept({ text, at: 0 }, word))) return run();
    const connection = this.#connection;
    await connection.execute("savepoint godwit_rehearsal");
    try {
      const result = await run();
      await connection.execute("release savepoint godwit_rehearsal");
      return result;
    } catch (error) {
      if (!(error instanceof DatabaseError) || connection.lost.aborted) throw error;
      const extension = makesExtension(text) ? /extension "([^"]+)"/.exec(error.message)?.[1] : undefined;
      const isMissing = extension !== undefined && ["0A000", "58P01"].includes(error.sqlState ?? "");
      if (isMissing) lacking.add(`extension ${extension}`);
      else if (lacking.size === 0 || !MISSING.has(error.sqlState ?? "") || isRole(error)) throw error;
      await connection.execute("rollback to savepoint godwit_rehearsal");
      await connection.execute("release savepoint godwit_rehearsal");
      throw new PassedOver(
        isMissing
          ? `the scratch server has no extension ${extension}`
          : `it failed, perhaps only because the scratch server has no ${[...lacking].join(", ")}: ${error.message}`,
      );
    }
  }
}

/** An object, a table, a function, a column, a schema or a unique key is not there. */
const MISSING = new Set(["42704", "42P01", "42883", "42703", "3F000", "42830"]);

class PassedOver extends Error {}

/** No extension makes roles. The scratch server speaks English. */
function isRole({ message }: DatabaseError): boolean {
  return /^role "/.test(message);
}

function makesExtension(text: string): boolean {
  return accept({ text, at: 0 }, "create", "extension");
}

async function directly<T>(
  run: () => Promise<T>,
): Promise<{ readonly outcome: PromiseSettledResult<T>; readonly locks: null }> {
  const [outcome] = await Promise.allSettled([run()]);
  return { outcome: outcome as PromiseSettledResult<T>, locks: null };
}
