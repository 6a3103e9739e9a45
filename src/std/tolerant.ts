/** Calls of functions that belong to somebody else, whose failures must not become ours. */

/** The listener, but it never throws and never rejects: its first failure goes to `tell`, and the caller goes on. */
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
      // An async listener rejects later. Without a handler that would end the process.
      if (isPromise(answer)) answer.then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  };
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}
