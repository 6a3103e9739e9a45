/** Chance that can be repeated: a test prints its seed, and `GODWIT_TEST_SEED` sets it. */
import { createHash, randomInt } from "node:crypto";

export interface Chance {
  readonly seed: number;
  /** From `least` to `most`, both included. */
  readonly int: (least: number, most: number) => number;
  readonly chance: (share: number) => boolean;
  /** Of its own for the n-th of many that run at the same time. */
  readonly of: (n: number) => Chance;
}

export function chanceFor(what: string): Chance {
  const seed = Number(process.env.GODWIT_TEST_SEED ?? randomInt(1, 1_000_000));
  console.info(`${what}: GODWIT_TEST_SEED=${seed}`);
  const from = (label: string): Chance => {
    let turn = 0;
    // The same numbers wherever it runs, and of their own for every label.
    const share = () =>
      createHash("sha256").update(`${seed} ${label} ${++turn}`).digest().readUInt32BE() / 2 ** 32;
    return {
      seed,
      int: (least, most) => least + Math.floor(share() * (most - least + 1)),
      chance: (wanted) => share() < wanted,
      of: (n) => from(`${label} ${n}`),
    };
  };
  return from(what);
}

/** How often, as the environment wants it. */
export function times(variable: string, usually: number): number {
  const given = process.env[variable];
  return given === undefined ? usually : Number(given);
}
