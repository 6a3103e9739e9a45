/**
 * Limits how much is in use at a time: files, bytes or pixels. First come, first served, so a large request does not
 * wait forever.
 */

export interface Budget {
  /** Waits until `amount` is free. A request for more than the whole budget gets the whole budget. */
  take(amount: number): Promise<AsyncDisposable>;
}

export function createBudget(total: number): Budget {
  let free = total;
  const waiting: { readonly amount: number; readonly begin: () => void }[] = [];
  const serve = () => {
    for (let next = waiting[0]; next !== undefined && next.amount <= free; next = waiting[0]) {
      waiting.shift();
      free -= next.amount;
      next.begin();
    }
  };
  return {
    async take(asked) {
      const amount = Math.min(asked, total);
      await new Promise<void>((begin) => {
        waiting.push({ amount, begin });
        serve();
      });
      return {
        async [Symbol.asyncDispose]() {
          free += amount;
          serve();
        },
      };
    },
  };
}
