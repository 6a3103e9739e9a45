/**
 * The promise about indexes before exit 0: none that the run made, kept or named is invalid. It remembers which were invalid
 * before the first step, what the steps say of those, and what the server kept under `IF NOT EXISTS`.
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
  /** What the server said where `IF NOT EXISTS` has kept something. */
  readonly #skipped: string[] = [];

  /** `invalid`: before the run's first step. */
  constructor(invalid: readonly InvalidIndex[]) {
    this.#invalidBefore = new Set(invalid.map(({ oid }) => oid));
    this.#mentions = createMentions(invalid);
  }

  /** What a module sends. */
  readonly sent = (revision: string, text: string): void => this.#mentions.note(revision, text);

  /** Drops what an earlier run left of the indexes that these steps build. */
  async before(
    context: StepContext,
    steps: readonly Prepared[],
    invalid: readonly InvalidIndex[],
  ): Promise<void> {
    await clearNamedIndexes(context, steps, invalid);
    if (invalid.length > 0) await noteTexts(this.#mentions, steps);
  }

  /** Listens until the answer is called. */
  listen(connection: Connection): () => void {
    return connection.onNotice(({ sqlState, message }) => {
      if (sqlState === DUPLICATE_TABLE && this.#skipped.length < MOST_SKIPPED) this.#skipped.push(message);
    });
  }

  /** After the steps: the indexes that the run has left invalid. The others that are invalid are warned of. */
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

  /** By this run, or kept by it. An index on the parent of partitions alone waits for those of its parts. */
  #isOurs(
    { oid, name, bareName, builder, parted, brokenPart }: InvalidIndex,
    mentioned: ReadonlySet<string>,
  ): boolean {
    if (builder !== null || (parted !== null && !brokenPart)) return false;
    return mentioned.has(name) || !this.#invalidBefore.has(oid) || isIn(this.#skipped, bareName);
  }
}

/** One that somebody is building is not meant. */
export function warnOfInvalid({ warn }: Pick<StepContext, "warn">, invalid: readonly InvalidIndex[]): void {
  for (const index of invalid) if (index.builder === null) warn?.(invalidIndex(index));
}
