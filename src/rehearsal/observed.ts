/**
 * A connection to the scratch server whose statements of a migration are measured one by one. The engine that uses it is the
 * ordinary one. Its own statements pass unseen; a text of a migration is split, and behind each statement a second session
 * looks at the locks, while the transaction is still open.
 *
 * Messages are answered in the order in which they came, and one at a time: the engine sends several without waiting.
 *
 * What fails only because of the scratch server is passed over (`lenient.ts`): it counts as not rehearsed, and the step goes on.
 */
import { type Statement, splitStatements } from "../core/sql/statements.ts";
import type { Connection, Result } from "../database/connection.ts";
import { DatabaseError } from "../errors.ts";
import { codePointOffset } from "../std/text.ts";
import {
  functionCallsIn,
  type HeldLock,
  isInTransaction,
  ownLocksOf,
  type Relation,
  relationsOf,
  sessionLocksOf,
} from "./catalog.ts";
import { leniently, lenientlyOutside, makesExtension, PassedOver } from "./lenient.ts";
import { effectsOf, type Observations } from "./measure.ts";
import { gated, type Open } from "./outside.ts";
import type { Recorder } from "./recorder.ts";
import { becomesSuperuser, changesRole } from "./rights.ts";
import { nameOf } from "./risk.ts";
import type { SeenStatement } from "./seen.ts";
import { isControl, mayBeWrapped, understandingOf, whyNotRun } from "./unsafe.ts";

export interface ObservedOptions {
  /** A second session on the same database. */
  readonly observer: Connection;
  readonly open: Open;
  readonly recorder: Recorder;
  /** `false`: statements are carried out, and nobody looks what they do. */
  readonly measures: boolean;
  /** The connection's user is no superuser (`rights.ts`). */
  readonly isLimited: boolean;
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

  async one<T>(statement: Statement, ways: Ways<T>): Promise<T> {
    const { observer, recorder, measures, isLimited } = this.#options;
    const { text, line } = statement;
    const refused = whyNotRun(text);
    if (isLimited && becomesSuperuser(text)) return ways.pass();
    const mayFail = isLimited || makesExtension(text) || recorder.lacking.size > 0;
    const isPlain = isControl(text) && !(isLimited && changesRole(text));
    if (refused === null && (isPlain || (!measures && !mayFail))) {
      this.#relations = null;
      return ways.run();
    }
    const pid = this.#connection.server.backendPid;
    // A text that makes thousands of tables has as many locks, and would read them all for each of its statements.
    const { inTransaction, locks } = measures
      ? await sessionLocksOf(observer, pid)
      : { inTransaction: await isInTransaction(observer, pid), locks: [] };
    const base = { text, line, inTransaction };
    if (refused !== null) {
      if (refused.lacks !== null) recorder.lacking.add(refused.lacks);
      recorder.notRun(base, refused.because);
      return ways.pass();
    }
    try {
      const given = { connection: this.#connection, lacking: recorder.lacking, isLimited };
      const lenient = mayFail ? () => leniently(text, ways.run, given) : ways.run;
      const outside = () => lenientlyOutside(text, ways.run, given);
      if (!measures || isControl(text)) return await (inTransaction ? lenient() : outside());
      if (inTransaction) return await this.#inside(base, lenient, locks);
      return await this.#outside(base, { run: outside, lenient });
    } catch (error) {
      if (error instanceof PassedOver) {
        recorder.notRun(base, error.message);
        return ways.pass();
      }
      if (measures) recorder.failed(base, error);
      throw error;
    }
  }

  /** In a transaction, whose locks are all there behind the statement. */
  async #inside<T>(base: Base, run: () => Promise<T>, had: readonly HeldLock[]): Promise<T> {
    const { recorder } = this.#options;
    const before = this.#relations ?? new Map(await relationsOf(this.#connection));
    const first = recorder.begun(before);
    // The lock of a change that is there already says nothing of a function that changes rows again.
    const asks = had.some(({ mode }) => mode === "ROW EXCLUSIVE");
    const called = asks ? await functionCallsIn(this.#connection) : 0;
    const started = performance.now();
    const result = await run();
    const durationMs = performance.now() - started;
    const calls = asks && (await functionCallsIn(this.#connection)) > called;
    // Nothing changes but what the session has locked. What the step itself has made is in nobody's way.
    const { locks: has, relations } = await ownLocksOf(this.#connection);
    const isOld = ({ oid, owner }: Relation) => first.has(oid) || (owner !== null && first.has(owner));
    const after = new Map([...relations].filter(([, relation]) => isOld(relation)));
    const heldUntil = base.inTransaction ? "transaction" : "statement";
    const known = { first, before, after, had, has, heldUntil, countsScans: true } as const;
    this.#keep({ ...base, calls }, known, { durationMs });
    for (const [oid, relation] of after) before.set(oid, relation);
    this.#relations = before;
    return result;
  }

  /**
   * A statement that runs in no transaction is measured in one of its own, if the server takes it so: that changes nothing of
   * what it does, and shows all its locks. Others are made to wait.
   */
  async #outside<T>(
    base: Base,
    { run, lenient }: { run: () => Promise<T>; lenient: () => Promise<T> },
  ): Promise<T> {
    const connection = this.#connection;
    this.#relations = null;
    if (mayBeWrapped(base.text)) {
      await connection.execute("begin");
      try {
        // Nothing is locked before the first statement of a transaction.
        const result = await this.#inside(base, lenient, []);
        await connection.execute("commit");
        this.#relations = null;
        return result;
      } catch (error) {
        this.#relations = null;
        if (!connection.lost.aborted) await connection.execute("rollback");
        if (!(error instanceof DatabaseError) || !OUTSIDE_ONLY.has(error.sqlState ?? "")) throw error;
      }
    }
    const { observer, recorder, open } = this.#options;
    const before = await relationsOf(observer);
    const first = recorder.begun(before);
    const started = performance.now();
    const pid = connection.server.backendPid;
    const { outcome, locks, unexpected } = await gated(run, {
      ...{ text: base.text, pid, relations: before, observer, open },
    });
    const durationMs = performance.now() - started;
    if (outcome.status === "rejected") throw outcome.reason;
    const after = await relationsOf(observer);
    const known = { first, before, after, had: [], has: locks, heldUntil: "statement" } as const;
    this.#keep(base, { ...known, countsScans: false }, { durationMs, unexpected });
    return outcome.value;
  }

  #keep(
    base: Base,
    known: Observations,
    { durationMs, unexpected = [] }: { durationMs: number; unexpected?: readonly Relation[] },
  ): void {
    const ofServer = known.has.flatMap(({ ofServer }) => ofServer ?? []);
    const others = unexpected.map(nameOf).join(", ");
    const notUnderstood =
      understandingOf(base.text, base) ??
      (ofServer.length > 0 ? `it locks tables of the server itself: ${ofServer.join(", ")}` : null) ??
      (others === ""
        ? null
        : `it locks what its text does not name (${others}), so others may have been missed`);
    this.#options.recorder.seen({
      ...{ ...base, ...effectsOf(base.text, known), durationMs },
      ...{ failure: null, notRehearsed: null, notUnderstood },
    });
  }
}

/** The statement, or a `COMMIT` inside of it, can't run in a transaction. */
const OUTSIDE_ONLY = new Set(["25001", "2D000"]);

type Base = Pick<SeenStatement, "text" | "line" | "inTransaction" | "calls">;
