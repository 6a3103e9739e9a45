/** Whole processes, measured from outside by GNU time; peers in turn, so that the machine's mood hits both. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

export interface Command {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** Before every run, not measured. */
  readonly before?: () => Promise<void>;
}

export interface Figures {
  readonly name: string;
  /** Medians over the runs. */
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMb: number;
}

export const TIME = "/usr/bin/time";

/** One warm-up each, then `runs` rounds: first command, second command, … */
export async function compare(commands: readonly Command[], runs: number): Promise<readonly Figures[]> {
  if (!existsSync(TIME)) throw new Error(`${TIME} is missing: install GNU time (apt-get install time).`);
  const samples = commands.map((): { wall: number; cpu: number; peak: number }[] => []);
  for (let round = -1; round < runs; round++) {
    for (const [index, command] of commands.entries()) {
      await command.before?.();
      const sample = once(command);
      if (round >= 0) samples[index]?.push(sample);
    }
  }
  return commands.map(({ name }, index) => {
    const own = samples[index] ?? [];
    return {
      name,
      wallMs: median(own.map((one) => one.wall)),
      cpuMs: median(own.map((one) => one.cpu)),
      peakMb: median(own.map((one) => one.peak)),
    };
  });
}

function once({ argv, env }: Command): { wall: number; cpu: number; peak: number } {
  const started = process.hrtime.bigint();
  const run = spawnSync(TIME, ["-f", "godwit-bench %U %S %M", ...argv], {
    env: { ...process.env, ...env },
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  const wall = Number(process.hrtime.bigint() - started) / 1e6;
  const found = /godwit-bench ([\d.]+) ([\d.]+) (\d+)/.exec(run.stderr);
  if (run.status !== 0 || found === null)
    throw new Error(`${argv.join(" ")}: ${run.status}\n${run.stderr}\n${run.stdout}`);
  return { wall, cpu: (Number(found[1]) + Number(found[2])) * 1000, peak: Number(found[3]) / 1024 };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
