/** An application that updates single rows at random, one after the other, and how long each of them takes. */
import pg from "pg";

export interface WriterFigures {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}

/** Writes until `during` calls back. The pause between two updates leaves the machine to the others. */
export async function measureWriter(
  url: string,
  rows: number,
  during: (stop: () => void) => unknown,
): Promise<WriterFigures> {
  const client = new pg.Client(url);
  await client.connect();
  let stopped = false;
  during(() => {
    stopped = true;
  });
  const took: number[] = [];
  const begun = performance.now();
  while (!stopped) {
    const id = 1 + Math.floor(Math.random() * rows);
    const at = performance.now();
    await client.query("update products set price = price + 1 where id = $1", [id]);
    took.push(performance.now() - at);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const seconds = (performance.now() - begun) / 1000;
  await client.end();
  const sorted = took.toSorted((left, right) => left - right);
  const share = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return {
    perSecond: took.length / seconds,
    p50: share(0.5),
    p99: share(0.99),
    longest: sorted.at(-1) ?? 0,
  };
}
