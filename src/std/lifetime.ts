/**
 * Something that is opened when it is first used and closed once.
 *
 *   unopened ─► opening ─► open ─► closed
 *       ▲          │
 *       └──────────┘ opening failed: the next use opens anew
 *
 * Any number of uses may run at once. Closing lets those that have begun come to their end, and refuses new ones.
 */
export interface Lifetime<T> {
  use<R>(work: (opened: T) => Promise<R>): Promise<R>;
  /** Safe to call twice. */
  close(): Promise<void>;
}

export interface LifetimeOptions<T> {
  readonly open: () => Promise<T>;
  readonly close: (opened: T) => Promise<void>;
  /** What a use throws that comes after closing. */
  readonly refusal: () => Error;
}

export function createLifetime<T>({ open, close, refusal }: LifetimeOptions<T>): Lifetime<T> {
  let opening: Promise<T> | undefined;
  let closing: Promise<void> | undefined;
  const uses = new Set<Promise<unknown>>();
  const opened = () => {
    if (opening !== undefined) return opening;
    const attempt = open();
    opening = attempt;
    attempt.catch(() => {
      if (opening === attempt) opening = undefined;
    });
    return attempt;
  };
  const end = async () => {
    await Promise.allSettled(uses);
    const held = await opening?.catch(() => undefined);
    if (held !== undefined) await close(held);
  };
  return {
    async use(work) {
      if (closing !== undefined) throw refusal();
      const running = opened().then(work);
      uses.add(running);
      try {
        return await running;
      } finally {
        uses.delete(running);
      }
    },
    close() {
      closing ??= end();
      return closing;
    },
  };
}
