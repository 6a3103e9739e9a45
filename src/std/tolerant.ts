/** Calls functions that belong to somebody else. Their failures must not become ours. */

/**
 * Wraps the listener so that it never throws and never rejects. Its first failure goes to `tell`, and the caller goes
 * on.
 */
export function tolerant<Values extends readonly unknown[]>(
  listener: (...values: Values) => unknown,
  tell: (error: unknown) => void,
): (...values: Values) => void {
  let told = false;
  const failed = (error: unknown) => {
    if (told) return;
    told = true;
    tell(error);
  };
  return (...values) => {
    try {
      const answer = listener(...values);
      // An async listener rejects later. An unhandled rejection would end the process.
      if (isPromise(answer)) answer.then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  };
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}
