/**
 * Something that is opened on first use and closed once.
 *
 *   unopened ─► opening ─► open ─► closed
 *       ▲          │
 *       └──────────┘ opening failed: the next use opens it again
 *
 * Any number of uses may run at once. Closing refuses new uses and waits until those that have begun are finished.
 */
export interface Lifetime<T, W = void> {
  /** `wanted` is for opening, and has no effect on what is open. */
  use<R>(work: (opened: T) => Promise<R>, wanted: W): Promise<R>;
  /** Counts as a use, and opens nothing. */
  useUnopened<R>(work: () => Promise<R>): Promise<R>;
  /** Safe to call twice. */
  close(): Promise<void>;
}

export interface LifetimeOptions<T, W = void> {
  readonly open: (wanted: W) => Promise<T>;
  readonly close: (opened: T) => Promise<void>;
  /** The error that a use after closing throws. */
  readonly refusal: () => Error;
}

export function createLifetime<T, W = void>({ open, close, refusal }: LifetimeOptions<T, W>): Lifetime<T, W> {
  let opening: Promise<T> | undefined;
  let closing: Promise<void> | undefined;
  const uses = new Set<Promise<unknown>>();
  const opened = (wanted: W) => {
    if (opening !== undefined) return opening;
    const attempt = open(wanted);
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
  const useUnopened = async <R>(work: () => Promise<R>): Promise<R> => {
    if (closing !== undefined) throw refusal();
    const running = work();
    uses.add(running);
    try {
      return await running;
    } finally {
      uses.delete(running);
    }
  };
  return {
    use: (work, wanted) => useUnopened(() => opened(wanted).then(work)),
    useUnopened,
    close() {
      closing ??= end();
      return closing;
    },
  };
}
