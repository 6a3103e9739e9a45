/** Whole processes, measured from outside by GNU time; peers in turn, so that the machine's mood hits both. */
import { spawn } from "node:child_process";
import { once as event } from "node:events";
import { existsSync } from "node:fs";
import { type Peak, watchFamily } from "./import/family.ts";

export interface Command {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Before every run, not measured. */
  readonly before?: () => Promise<void>;
  /** What it and its children hold at once is watched, which costs a little of the machine. */
  readonly watched?: boolean;
}

export interface Figures {
  readonly name: string;
  /** Medians over the runs. */
  readonly wallMs: number;
  readonly cpuMs: number;
  /** The fastest and the slowest run. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Of its largest process. */
  readonly peakMb: number;
  /** The highest of all runs, where it was watched. */
  readonly family: Peak;
}

export interface Sample {
  readonly wall: number;
  readonly cpu: number;
  readonly peak: number;
  readonly family: Peak;
}

export const TIME = "/usr/bin/time";

/** One warm-up each, then `runs` rounds: first command, second command, … */
export async function compare(commands: readonly Command[], runs: number): Promise<readonly Figures[]> {
  if (!existsSync(TIME)) throw new Error(`${TIME} is missing: install GNU time (apt-get install time).`);
  const samples = commands.map((): Sample[] => []);
  for (let round = -1; round < runs; round++) {
    for (const [index, command] of commands.entries()) {
      await command.before?.();
      const sample = await once(command);
      if (round >= 0) samples[index]?.push(sample);
    }
  }
  return commands.map(({ name }, index) => {
    const own = samples[index] ?? [];
    return {
      name,
      wallMs: median(own.map((one) => one.wall)),
      cpuMs: median(own.map((one) => one.cpu)),
      fromMs: Math.min(...own.map((one) => one.wall)),
      toMs: Math.max(...own.map((one) => one.wall)),
      peakMb: median(own.map((one) => one.peak)),
      family: {
        rssMb: Math.max(...own.map((one) => one.family.rssMb)),
        pssMb: Math.max(...own.map((one) => one.family.pssMb)),
      },
    };
  });
}

/** Not synchronously: the proxy of a benchmark lives in this process. */
export async function once({ argv, env, cwd, watched = false }: Command): Promise<Sample> {
  const started = process.hrtime.bigint();
  const child = spawn(TIME, ["-f", "godwit-bench %U %S %M", ...argv], {
    env: { ...process.env, ...env },
    cwd,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const peak = watched ? watchFamily(child.pid ?? 0) : () => ({ rssMb: 0, pssMb: 0 });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [status] = await event(child, "close");
  const wall = Number(process.hrtime.bigint() - started) / 1e6;
  const family = peak();
  const found = /godwit-bench ([\d.]+) ([\d.]+) (\d+)/.exec(stderr);
  if (status !== 0 || found === null) throw new Error(`${argv.join(" ")}: ${status}\n${stderr}`);
  return { wall, cpu: (Number(found[1]) + Number(found[2])) * 1000, peak: Number(found[3]) / 1024, family };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
