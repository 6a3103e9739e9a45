/** What `godwit lint` says of the files of a script, as comments above their steps. It needs no server. */
import type { LintFinding } from "../../analysis/finding.ts";
import type { LintInput } from "../../analysis/lint.ts";
import type { Listing } from "../../source/source.ts";
import type { Target } from "../session/target.ts";
import type { Prepared } from "../step/prepared.ts";
import { comment } from "./psql.ts";

export type LintRules = Pick<LintInput, "levels" | "root" | "server" | "now">;

export interface RisksInput {
  readonly files: Listing;
  readonly steps: readonly Prepared[];
  readonly rules: LintRules | null;
  readonly signal: AbortSignal;
}

/** Lines of comments by revision and direction. */
export async function risksOf(
  { source }: Target,
  { files, steps, rules, signal }: RisksInput,
): Promise<(prepared: Prepared) => readonly string[]> {
  const chosen = steps.flatMap(({ migration }) => migration ?? []);
  if (rules === null || chosen.length === 0) return () => [];
  const { lint } = await import("../../analysis/lint.ts");
  const { findings } = await lint({
    ...rules,
    ...{ source, listing: { ...files, problems: [] }, chosen, together: true, signal },
  });
  const byRevision = new Map<string, LintFinding[]>();
  for (const finding of findings) {
    const { revision, direction } = finding;
    const key = `${direction ?? "up"} ${revision}`;
    byRevision.set(key, [...(byRevision.get(key) ?? []), finding]);
  }
  return ({ step }) => (byRevision.get(`${step.direction} ${step.revision}`) ?? []).map(lineOf);
}

function lineOf({ level, rule, file, line, message }: LintFinding): string {
  return comment(`${level}: ${file}:${line}: ${message.replace(/\s+/g, " ")} (${rule})`);
}
