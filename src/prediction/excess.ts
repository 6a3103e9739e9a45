/** What exceeds the most that `up --max-risk` takes. Values in, values out. */
import type { RehearsedStep } from "../rehearsal/report.ts";
import { RISKS, type Risk } from "../rehearsal/risk.ts";
import { MAX_RISKS, type MaxRisk } from "./max-risk.ts";

/** `null`: the step may run. Else why not, as an end of a sentence. What is unknown is too much. */
export function excessOf(step: RehearsedStep, most: Exclude<MaxRisk, "any">): string | null {
  const limit = MAX_RISKS.indexOf(most);
  const { notRehearsed, statements } = step;
  if (notRehearsed !== null) return `was not rehearsed: ${notRehearsed.replace(/\.$/, "")}`;
  const worst = statements
    .filter(({ risk }) => risk !== null && RISKS.indexOf(risk) > limit)
    .sort((a, b) => rank(b.risk) - rank(a.risk))[0];
  if (worst !== undefined) return `${wordsOf(worst.risk)}${at(worst)}: ${worst.why.replace(/\.$/, "")}`;
  const unknown = statements.find(({ state }) => state !== "rehearsed");
  return unknown === undefined
    ? null
    : `has a statement that ${unknown.state === "failed" ? "failed in the rehearsal" : `was ${unknown.state}`}${at(unknown)}: ${unknown.why.replace(/\.$/, "")}`;
}

function rank(risk: Risk | null): number {
  return risk === null ? -1 : RISKS.indexOf(risk);
}

function wordsOf(risk: Risk | null): string {
  if (risk === "brief lock") return "takes a brief lock";
  return risk === "rewrites" ? "rewrites a table" : `${risk}`;
}

function at({ line }: { readonly line: number | null }): string {
  return line === null ? "" : ` (line ${line})`;
}
