/** Decides what `adopt` does: the rows for our ledger, and the report of everything else. */
import { PlanRefused } from "../../errors.ts";
import type { RecordedHistory } from "../../ledger/ledger.ts";
import type { Listing } from "../../source/source.ts";
import { compare } from "../../tools/compare.ts";
import { isSettled } from "../../tools/sets.ts";
import type { Match, ToolRow } from "../../tools/tool.ts";
import type { FoundHistory } from "../mirror/histories.ts";
import { parseMirror } from "../mirror/mirror-setting.ts";
import { isMirrored, setsOf } from "../mirror/tool-look.ts";
import { rememberSql, type ToolMemory } from "../mirror/tool-memory.ts";
import type { Target } from "../session/target.ts";
import type { AdoptedRow, AdoptReport } from "./adopt-report.ts";
import { type Adopted, adoptedOf, adoptedWithoutFile } from "./adopted.ts";
import { refusalsOf, refuseOtherFiles } from "./adoption.ts";
import { isEmpty } from "./choose-history.ts";
import { idOf, ofKind } from "./events.ts";
import { begun, editedWarning, missingWarning, unremembered } from "./problems.ts";

interface AdoptionInput {
  readonly files: Listing;
  readonly history: RecordedHistory;
  readonly memory: ToolMemory;
  readonly assume: boolean;
}

/** Writes nothing. Throws `PlanRefused` (`ADOPT_…`) for what a person has to decide first. */
export async function decideAdoption(
  target: Target,
  found: FoundHistory,
  { files, history, memory, assume }: AdoptionInput,
): Promise<{
  taken: readonly Adopted[];
  remember: string;
  report: Omit<AdoptReport, "target" | "database" | "tool" | "table" | "dryRun" | "mirrored">;
}> {
  const { tool } = found;
  const sets = setsOf(found, { target, files, history, memory });
  const { match } = sets;
  const events = compare(sets);
  const setting = parseMirror(target.settings.mirror);
  const isTold = isMirrored(target, tool) === true || (setting !== "none" && setting?.tool === tool.name);
  // An emptied history says nothing of these, and the next run refuses them.
  const lost = isTold && isEmpty(found) ? ofKind(events, "unremembered").map(idOf) : [];
  const [first, ...others] = [
    ...refusalsOf(
      found,
      events.filter(({ kind }) => isTold || kind !== "later-time"),
      history,
    ),
    ...(lost.length === 0 ? [] : [unremembered(found, lost)]),
  ];
  if (first !== undefined) throw new PlanRefused([first, ...others]);
  if (!(assume && match.skipped.length > 0)) refuseOtherFiles(target, found, sets);
  const skipped = events.flatMap((event) => (event.kind === "passed-over" ? [event.id] : []));
  const left = new Set([
    ...skipped,
    ...events.flatMap((event) => (event.kind === "taken-out-here" ? [event.id] : [])),
  ]);
  const own = match.isSame ?? tool.layouts.includes(target.source.layout);
  const assumed = assume ? match.skipped.map((id) => ({ id, row: null, edited: false })) : [];
  const matched = [...match.applied.filter(({ id }) => assume || !left.has(id)), ...assumed];
  // Among the tool's own migrations a row without a file waits for the file, which may come with the next merge. A
  // file that stands on the row needs it now.
  const needed = new Set(files.migrations.flatMap((one) => [...(one.revises ?? []), ...one.depends]));
  const withoutFile: readonly ToolRow[] = own
    ? match.missing.filter(({ name }) => match.isSame === true && needed.has(name))
    : eachOnce([...match.missing, ...found.history.rows.filter((row) => row.withoutFile === true)]);
  const known = new Set(history.entries.map((entry) => entry.revision));
  // Revisions that we know, and that the tool has run again with a text that we have not.
  const again = new Set(
    events.flatMap((event) => (event.kind === "applied-there" && known.has(event.id) ? [event.id] : [])),
  );
  const partial = history.entries.filter(
    ({ revision, state }) => state !== "applied" && matched.some(({ id }) => id === revision),
  );
  if (partial[0] !== undefined) throw begun(partial[0], tool.title);
  const taken = [
    ...adoptedWithoutFile(
      found,
      withoutFile.filter(({ name }) => !known.has(name)),
    ),
    ...(await adoptedOf(
      target,
      found,
      matched.filter(({ id }) => !known.has(id) || again.has(id)),
      { migrations: files.migrations, known },
    )),
  ];
  const ids = new Set(matched.map(({ id }) => id));
  const pending = files.migrations.filter(({ id }) => !ids.has(id) && !known.has(id)).map(({ id }) => id);
  const edited = match.applied.filter((one) => one.edited).map(({ id }) => id);
  const missing = own
    ? match.missing.filter((row) => !withoutFile.includes(row) && !isSettled(row, sets.seen))
    : [];
  const after = {
    ...sets,
    ours: { ...sets.ours, known: new Set([...known, ...taken.map(({ entry }) => entry.revision)]) },
  };
  return {
    taken,
    remember: rememberSql(target, memory, { tool, table: found.table, sets: after }),
    report: {
      applied: [
        ...withoutFile.map(
          ({ name, at }): AdoptedRow => ({
            revision: name,
            at,
            file: false,
            assumed: false,
            already: known.has(name),
          }),
        ),
        ...inOrder(
          files,
          matched.filter(({ id, row }) => row !== null || !known.has(id) || sets.ours.adopted.has(id)),
          new Set([...known].filter((id) => !again.has(id))),
        ),
      ],
      pending,
      skipped: assume ? [] : skipped.filter((id) => pending.includes(id)),
      edited,
      missing: missing.map(({ name }) => name),
      warnings: [
        ...found.history.warnings,
        ...match.warnings,
        ...edited.map((id) => editedWarning(tool, id)),
        ...(missing.length === 0 ? [] : [missingWarning(tool, missing, own)]),
      ],
    },
  };
}

/** Each name once. The tables of some tools allow duplicate names and rows without a name. */
function eachOnce(rows: readonly ToolRow[]): readonly ToolRow[] {
  return [...new Map(rows.filter(({ name }) => name !== "").map((row) => [row.name, row])).values()];
}

function inOrder(
  files: Listing,
  matched: Match["applied"],
  known: ReadonlySet<string>,
): readonly AdoptedRow[] {
  const byId = new Map(matched.map((one) => [one.id, one]));
  return files.migrations.flatMap(({ id }): AdoptedRow[] => {
    const one = byId.get(id);
    if (one === undefined) return [];
    return [
      {
        revision: id,
        at: one.row?.at ?? null,
        file: true,
        assumed: one.row === null,
        already: known.has(id),
      },
    ];
  });
}
