/** The processes that a command has started, found by a mark in their environment: also those that have left it. */
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { isRunning } from "../support/processes.ts";
import { until } from "../support/until.ts";

export interface Family {
  readonly env: Readonly<Record<string, string>>;
  /** All that run now. */
  readonly members: () => readonly number[];
  /** Resolves when so many run. */
  readonly hasMembers: (count: number) => Promise<void>;
  /** Resolves when nobody of it runs any more. */
  readonly gone: () => Promise<void>;
}

export function createFamily(): Family {
  const mark = `GODWIT_TEST_FAMILY=${randomUUID()}`;
  const [name = "", value = ""] = mark.split("=");
  const members = () =>
    readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry) && environmentOf(entry).includes(mark))
      .map(Number)
      .filter(isRunning);
  const gone = async () => {
    await until(() => members().length === 0, { what: "everything that the command started to end" });
  };
  const hasMembers = async (count: number) => {
    await until(() => members().length >= count, { what: `${count} processes of the command` });
  };
  return { env: { [name]: value }, members, hasMembers, gone };
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return "";
  }
}
