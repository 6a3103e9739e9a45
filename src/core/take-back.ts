/**
 * Decides what a run can take back of its own doing. A run that must be able to go back asks before its first step. It
 * begins only if each step has a way back.
 */
import type { Problem } from "../errors.ts";
import { joinSentences } from "../std/sentences.ts";
import { keepsOldValues } from "./backfill.ts";
import { brokenFile } from "./checks.ts";
import type { Graph } from "./graph.ts";
import type { HistoryEntry } from "./history.ts";
import type { Migration } from "./migration.ts";
import type { Step } from "./step.ts";

/** A planned step, as far as its way back depends on it. */
export interface Forward {
  readonly step: Step;
  readonly migration: Migration | null;
  /** Why a failure can leave half of it behind. `null`: nothing of it is kept if it fails. */
  readonly half: string | null;
  /** How the author says that no half can stay, as half a sentence. */
  readonly remedy?: string | undefined;
}

/** One problem for each step that a rollback could not take back. */
export function withoutWayBack(steps: readonly Forward[]): readonly Problem[] {
  return steps.flatMap((forward): readonly Problem[] => {
    const { step, migration } = forward;
    const broken = migration === null ? [] : brokenFile(migration, "down");
    if (broken.length > 0) return broken;
    const because = whyNot(forward);
    if (because === null) return [];
    return [
      {
        code: "PLAN_NO_ROLLBACK",
        message: `A rollback could not take back ${step.revision}: ${because}. Nothing was begun.`,
        hint: joinSentences(
          `Leave --rollback-on-failure out (GODWIT_ROLLBACK_ON_FAILURE=false) for the run that applies it.`,
          forward.remedy,
        ),
        place: { file: step.file },
        details: { revision: step.revision },
      },
    ];
  });
}

function whyNot({ step, migration, half }: Forward): string | null {
  if (step.reason === "changed") return "the text that it replaces is not kept";
  if (step.reason === "resume") return "an earlier run has begun it";
  if (migration === null || !(migration.revertible || keepsOldValues(migration)))
    return `${step.file} has no way back`;
  return half === null ? null : `if it fails, a part of it stays (${half})`;
}

interface Around {
  readonly removed: readonly HistoryEntry[];
  /** All that is applied, in the order in which it was. */
  readonly entries: readonly HistoryEntry[];
  readonly graph: Graph;
}

/** What another run has applied on top of what is taken back. In a line, whatever came later stands on it. */
export function builtOn(asked: readonly string[], { removed, entries, graph }: Around): Problem[] {
  const own = new Set(asked);
  const first = entries.find(({ revision }) => own.has(revision))?.sequence ?? Number.POSITIVE_INFINITY;
  const later = graph.shape === "line" ? entries.filter(({ sequence }) => sequence > first) : [];
  const others = [...new Set([...later, ...removed].map(({ revision }) => revision))].filter(
    (revision) => !own.has(revision),
  );
  if (others.length === 0) return [];
  return [
    {
      code: "PLAN_IRREVERSIBLE",
      message: `Another run has applied ${others.join(", ")} on top of what this run applied; nothing was taken back.`,
      hint: "`godwit history --log` shows who did what. `godwit down <revision>` takes back whatever is above that revision.",
      details: { revisions: others },
    },
  ];
}
