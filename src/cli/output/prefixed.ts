/** One log for many targets at a time. Each line begins with the name of its target. */
import type { Log } from "./log.ts";

export interface PrefixOptions {
  /** One live line for each target. All logs of a run share it. */
  readonly live: Map<string, string>;
  /** `true`: there are too many targets to report each step. */
  readonly brief: boolean;
  /** What was said of the files, which schemas of one database share. All logs of a run share it. */
  readonly ofFiles?: Set<string>;
}

export function prefixedLog(log: Log, name: string, { live, brief, ofFiles }: PrefixOptions): Log {
  const said = (message: string) => `${name}: ${message}`;
  return {
    write: (level, message, fields) => log.write(level, said(message), { ...fields, target: name }),
    live(message) {
      if (message === "") live.delete(name);
      else live.set(name, said(message));
      log.live([...live.values()].join("\n"));
    },
    done(message, remark, fields) {
      if (brief) log.write("debug", said(`${message} (${remark})`), { ...fields, target: name });
      else log.done(said(message), remark, { ...fields, target: name });
    },
    failed: (message, fields) => log.failed(said(message), { ...fields, target: name }),
    problem(level, problem) {
      if (level === "warn" && ofFiles !== undefined && problem.code.startsWith("SOURCE_")) {
        if (ofFiles.has(problem.message)) return;
        ofFiles.add(problem.message);
      }
      log.problem(level, { ...problem, message: said(problem.message) }, { target: name });
    },
  };
}
