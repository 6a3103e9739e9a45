/** What was seen of a step of the plan, beside its file. */
import { asciiComments } from "../core/sql/comments.ts";
import { accept } from "../core/sql/cursor.ts";
import { splitStatements } from "../core/sql/statements.ts";
import type { Step } from "../core/step.ts";
import { LEDGER_TABLES } from "../ledger/damage-sql.ts";
import {
  type RehearsedStatement,
  type RehearsedStep,
  rehearsedStatement,
  riskOf,
} from "../rehearsal/report.ts";
import { hasWords, nameOf } from "../rehearsal/risk.ts";
import type { SeenRelation, SeenStatement } from "../rehearsal/seen.ts";
import type { Listing, Source } from "../source/source.ts";
import type { Target } from "./session/target.ts";

export function unknownStep(step: Step, because: string): RehearsedStep {
  const { revision, file, direction, phase } = step;
  return { revision, file, direction, phase, risk: null, notRehearsed: because, statements: [] };
}

interface Staged {
  readonly target: Target;
  readonly source: Source;
  /** Relations that are not all that they are on the target. */
  readonly partial: ReadonlySet<string>;
  /** Whether it is known which those are. */
  readonly isCompared: boolean;
}

interface Rehearsed {
  readonly files: Listing;
  readonly step: Step;
  readonly statements: readonly SeenStatement[];
  readonly failure: string | undefined;
}

export async function rehearsedStep(
  staged: Staged,
  { files, step, statements, failure }: Rehearsed,
): Promise<RehearsedStep> {
  const { target, source } = staged;
  const migration = files.migrations.find(({ id }) => id === step.revision);
  const content =
    migration === undefined ? null : await source.read(migration, step.direction).catch(() => null);
  const written =
    content?.kind === "sql"
      ? splitStatements(content.text).map(({ text, line }) => ({
          text: asciiComments(text),
          line: line + content.line - 1,
        }))
      : [];
  let next = 0;
  const found = statements.map((one): RehearsedStatement => {
    const at = written.findIndex(({ text }, index) => index >= next && text === one.text);
    if (at >= 0) next = at + 1;
    return rehearsedStatement(uncertain(withoutOurs(one, target), staged), written[at]?.line ?? null);
  });
  const { revision, file, direction, phase } = step;
  const base = { revision, file, direction, phase };
  // It failed by something else than a statement: by what its code does, or by our own words around it.
  if (failure !== undefined && !found.some(({ state }) => state === "failed"))
    return { ...base, risk: riskOf(found), notRehearsed: `it failed: ${failure}`, statements: found };
  return { ...base, risk: riskOf(found), notRehearsed: null, statements: found };
}

/** The transaction of each step holds locks on the ledger, which are nobody's concern. */
function withoutOurs(seen: SeenStatement, { ledger }: Target): SeenStatement {
  const isOurs = ({ schema, name, table }: SeenRelation) =>
    schema === ledger.schema && LEDGER_TABLES.some((ours) => ours === (table ?? name));
  return { ...seen, held: seen.held.filter((one) => !isOurs(one)) };
}

/** What the copy of a table lacks may be locked, read or written too. */
function uncertain(seen: SeenStatement, { partial, isCompared }: Staged): SeenStatement {
  const touched = [...seen.locks, ...seen.rewrites, ...seen.scans, ...seen.builds].map(nameOf);
  const found = [...new Set(touched)].filter((name) => partial.has(name));
  if (seen.notUnderstood !== null) return seen;
  if (!isCompared && touched.length > 0)
    return { ...seen, notUnderstood: "the copy could not be compared with the target" };
  if (found.length > 0)
    return { ...seen, notUnderstood: `the copy of ${found.join(", ")} lacks something that the target has` };
  if (partial.size === 0 || !reachesUsers(seen.text)) return seen;
  return { ...seen, notUnderstood: "it reaches what uses it, and the copy lacks some of that" };
}

/** Whether a statement also changes what uses the object that it names. */
function reachesUsers(text: string): boolean {
  const starts = (...words: readonly string[]) => accept({ text, at: 0 }, ...words);
  return (
    starts("alter", "type") || starts("alter", "domain") || (starts("drop") && hasWords(text, ["cascade"]))
  );
}
