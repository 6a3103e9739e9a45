/** A run of a program, of which others are told. */
import type { Direction } from "../core/migration.ts";
import type { Report } from "../run/report/report.ts";
import type { RunContext } from "../run/session/target.ts";
import type { Opened } from "./loaded.ts";

/** The program goes on after the run, so what was measured need not be out at its end. */
export async function announced(
  { settings: config, assembled: { target } }: Opened,
  of: { readonly command: Direction; readonly context: RunContext },
  work: (context: RunContext) => Promise<Report>,
): Promise<Report> {
  const { announceRun } = await import("../service/announce.ts");
  return announceRun({ config, target, isLast: false, ...of }, work);
}
