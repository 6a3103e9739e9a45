/**
 * The promise about indexes before exit 0: no index that the run made, kept or named is invalid.
 *
 * The class remembers which indexes were invalid before the first step, which of them the steps name, and what
 * the server kept under `IF NOT EXISTS`.
 */
import type { Connection } from "../../database/connection.ts";
import { DUPLICATE_TABLE } from "../../database/sqlstate.ts";
import { type InvalidIndex, invalidIndexes } from "../catalog/indexes.ts";
import type { StepContext } from "./context.ts";
import { clearNamedIndexes, invalidIndex, isIn, namedIndexes, warnOfKept } from "./leftover-indexes.ts";
import { createMentions, type Mentions, noteTexts } from "./mentioned-indexes.ts";
import type { Prepared } from "./prepared.ts";

const MOST_SKIPPED = 1_000;

export class IndexCheck {
  readonly #invalidBefore: ReadonlySet<number>;
  readonly #mentions: Mentions;
  /** The server's notices about what `IF NOT EXISTS` has kept. */
  readonly #skipped: string[] = [];

  /** `invalid` are the invalid indexes before the run's first step. */
  constructor(invalid: readonly InvalidIndex[]) {
    this.#invalidBefore = new Set(invalid.map(({ oid }) => oid));
    this.#mentions = createMentions(invalid);
  }

  /** Receives each text that a module sends. */
  readonly sent = (revision: string, text: string): void => this.#mentions.note(revision, text);

  /** Drops leftovers of an earlier run whose indexes these steps build. */
  async before(
    context: StepContext,
    steps: readonly Prepared[],
    invalid: readonly InvalidIndex[],
  ): Promise<void> {
    await clearNamedIndexes(context, steps, invalid);
    if (invalid.length > 0) await noteTexts(this.#mentions, steps);
  }

  /** Listens to notices until the returned function is called. */
  listen(connection: Connection): () => void {
    return connection.onNotice(({ sqlState, message }) => {
      if (sqlState === DUPLICATE_TABLE && this.#skipped.length < MOST_SKIPPED) this.#skipped.push(message);
    });
  }

  /** Returns the indexes that the run has left invalid, and warns about the other invalid ones. */
  async broken(context: StepContext, steps: readonly Prepared[]): Promise<readonly InvalidIndex[]> {
    const invalid = await invalidIndexes(context.connection);
    const named = await namedIndexes(context, steps, invalid);
    const mentioned = await this.#mentions.found(context, invalid);
    const broken = invalid.filter((index) => named.has(index.name) || this.#isOurs(index, mentioned));
    warnOfInvalid(
      context,
      invalid.filter((index) => !broken.includes(index)),
    );
    return broken;
  }

  async warnOfKept(context: StepContext, steps: readonly Prepared[]): Promise<void> {
    await warnOfKept(context, steps, this.#skipped);
  }

  /**
   * Whether this run made or kept the index. An index on a partitioned table alone only waits for the indexes
   * of its parts.
   */
  #isOurs(
    { oid, name, bareName, builder, parted, brokenPart }: InvalidIndex,
    mentioned: ReadonlySet<string>,
  ): boolean {
    if (builder !== null || (parted !== null && !brokenPart)) return false;
    return mentioned.has(name) || !this.#invalidBefore.has(oid) || isIn(this.#skipped, bareName);
  }
}

/** An index that somebody is building gets no warning. */
export function warnOfInvalid({ warn }: Pick<StepContext, "warn">, invalid: readonly InvalidIndex[]): void {
  for (const index of invalid) if (index.builder === null) warn?.(invalidIndex(index));
}
