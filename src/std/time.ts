/** Waiting that can always be cancelled. */

/** Resolves after `ms`; rejects with the signal's reason as soon as it aborts. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/**
 * A signal that aborts after `ms`, unless it is disposed of first. `AbortSignal.timeout` does not work here. In Node 20
 * the garbage collector removes its timer if only `AbortSignal.any` refers to it, and then it never aborts.
 */
export function timeLimit(ms: number): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const abort = () => controller.abort(new DOMException("The time is over.", "TimeoutError"));
  const timer = setTimeout(abort, ms);
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

/** `firstMs`, doubled on each attempt, at most `maxMs`. Each is cut by up to half at random, so that peers spread out. */
export function backoffMs(attempt: number, options: { firstMs: number; maxMs: number }): number {
  const full = Math.min(options.maxMs, options.firstMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(full * (0.5 + Math.random() / 2));
}

/** Settles like `promise`, or rejects with the signal's reason, whichever comes first. */
export async function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => {});
    throw signal.reason;
  }
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
    promise.catch(() => {});
  }
}

/** `1.2 s`, `340 ms`, `2 min 5 s`, `5 min`: for people. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const [large, small] =
    minutes < 60
      ? [`${minutes} min`, `${seconds % 60} s`]
      : [`${Math.floor(minutes / 60)} h`, `${minutes % 60} min`];
  return small.startsWith("0 ") ? large : `${large} ${small}`;
}
