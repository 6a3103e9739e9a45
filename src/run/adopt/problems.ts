/** Problems with adopting, as messages for people. */
import type { HistoryEntry } from "../../core/history.ts";
import type { Migration } from "../../core/migration.ts";
import type { Connection } from "../../database/connection.ts";
import { ConfigError, PlanRefused, type Problem } from "../../errors.ts";
import { nearest } from "../../std/nearest.ts";
import type { Later } from "../../tools/compare.ts";
import { describeTable, type Tool, type ToolRow } from "../../tools/tool.ts";
import { TOOLS, toolNamed } from "../../tools/tools.ts";
import type { FoundHistory } from "../mirror/histories.ts";

export function unknownTool(name: string): ConfigError {
  const names = TOOLS.map((tool) => tool.name);
  const meant = nearest(name, names);
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `No tool is called "${name}".`,
    hint: `${meant === undefined ? "" : `Did you mean ${meant}? `}Known: ${names.join(", ")}.`,
  });
}

export function nothing(
  { server }: Connection,
  found: FoundHistory | undefined,
  tool: string | undefined,
): PlanRefused {
  const what = tool === undefined ? "another tool" : (toolNamed(tool)?.title ?? tool);
  return new PlanRefused([
    {
      code: "ADOPT_NOTHING",
      message:
        found === undefined
          ? `Database "${server.database}" has no history of ${what} that role "${server.user}" can see.`
          : `The history of ${found.tool.title}, ${describeTable(found.table)}, is empty: nothing is applied.`,
      hint:
        found === undefined
          ? "Check --database-url. What was made without a tool is declared with `godwit baseline <revision>`."
          : "There is nothing to adopt: `godwit up` applies all of it.",
    },
  ]);
}

export function otherLayout({ tool, table }: FoundHistory, layout: string): PlanRefused {
  return new PlanRefused([
    {
      code: "ADOPT_CONFLICT",
      message: `${describeTable(table)} is the history of ${tool.title}, and the folder is read as one of ${layout}.`,
      hint: `Read it as what it is with --layout ${tool.layouts[0]}, or name the tool that counts with --tool.`,
    },
  ]);
}

/** A revision of ours is unfinished, and the other tool calls it applied. */
export function begun(
  { revision, state }: Pick<HistoryEntry, "revision" | "state">,
  title: string,
): PlanRefused {
  const reverting = state === "reverting";
  return new PlanRefused([
    {
      code: "ADOPT_CONFLICT",
      message: reverting
        ? `${revision} has been taken back in part only, and ${title} says that it has applied it.`
        : `${revision} was begun by a run of ours and is not complete, and ${title} says that it has applied it.`,
      hint: reverting
        ? `Look at the database. If it is there whole: \`godwit repair --retry ${revision}\`. If it is taken back: \`godwit repair --forget ${revision}\`.`
        : `Look at the database. If it is complete: \`godwit repair --mark-done ${revision}\`.`,
    },
  ]);
}

/** The tool has applied something that a person has to look at. `ids`: those revisions. `null`: its whole history. */
export function asked(
  { tool, table, history }: FoundHistory,
  { ids, questions }: { ids: readonly string[] | null; questions: readonly string[] },
): Problem {
  const count = history.rows.length === 1 ? "1 migration" : `${history.rows.length} migrations`;
  const what = ids === null ? count : namesOf(ids);
  return {
    code: "ADOPT_NEEDED",
    message: `${tool.title} has applied ${what} to this database (${describeTable(table)}), of which our ledger knows nothing${questions.length === 0 ? "" : `; ${questions.join("; ")}`}.`,
    hint: "With the same options: look with `godwit adopt --dry-run`, take them over with `godwit adopt`, then run again. Nothing was changed.",
    details: {
      ...{ tool: tool.name, table: describeTable(table), rows: history.rows.length },
      ...(ids === null ? {} : { revisions: ids }),
    },
  };
}

/**
 * The tool has applied nothing of these files. To run them would repeat what they replace, and there is nothing to
 * adopt.
 */
export function nothingInCommon(
  { tool, table }: FoundHistory,
  rows: readonly ToolRow[],
  files: readonly Pick<Migration, "id" | "kind">[],
): Problem {
  const versioned = files.filter(({ kind }) => kind !== "repeatable");
  const last = versioned.length === 1 ? (versioned[0]?.id ?? "head") : "<revision>";
  const what = rows.length === 1 ? "The one migration" : `None of the ${rows.length} migrations`;
  const names = rows.map(({ name }) => name);
  return {
    code: "ADOPT_CONFLICT",
    message: `${what} that ${tool.title} has applied here (${describeTable(table)}: ${namesOf(names)}) has ${rows.length === 1 ? "no" : "a"} file in this folder, and all files are pending.`,
    hint: `Check --dir and --database-url. If these files have replaced all of the old ones: \`godwit baseline ${last} --confirm <database>\` declares ${versioned.length === 1 ? "it" : "the last one whose effect is there, and all before it,"} as present. If that is the history of another project: \`--mirror none:${describeTable(table)}\`. Nothing was changed.`,
    details: { tool: tool.name, table: describeTable(table), rows: names },
  };
}

/**
 * Our ledger says applied, and the tool's row is gone. To write the row again would hide what somebody did. `withoutFile`:
 * those that never had a file here.
 */
export function takenBackThere(
  { tool, table }: FoundHistory,
  ids: readonly string[],
  withoutFile: ReadonlySet<string>,
): Problem {
  const forget = ids.toReversed().map((id) => `\`godwit repair --forget ${id}\``);
  const [are, were, they, them] =
    ids.length === 1 ? ["is", "was", "it is", "it"] : ["are", "were", "they are", "them"];
  const withFile = ids.filter((id) => !withoutFile.has(id));
  const pending =
    withFile.length === 0
      ? ""
      : withFile.length === ids.length
        ? `, and ${they} pending again`
        : `, and those with a file are pending again`;
  const one = `\`godwit repair --mark-done ${ids[0]}\``;
  const still =
    ids.length === 1
      ? `it is still there: ${one}`
      : withFile.length < ids.length
        ? `one is still there: ${one}`
        : `all of them are still there: \`godwit baseline ${ids.at(-1)}\`; of one alone: ${one}`;
  return {
    code: "ADOPT_TAKEN_BACK",
    message: `${namesOf(ids)} ${were} in the history of ${tool.title} (${describeTable(table)}) and ${are} no longer there: somebody took ${them} back there, or removed ${ids.length === 1 ? "its row" : "their rows"}.`,
    hint: `Look at the database. ${ids.length === 1 ? "If it was taken back" : "Those that were taken back, the newest first"}: ${forget.slice(0, 3).join(", ")}${forget.length > 3 ? ", …" : ""}${pending}. If ${still}. Nothing was changed.`,
    details: { tool: tool.name, table: describeTable(table), revisions: ids },
  };
}

/** Applied here and not there, and nothing says whether a row ever existed. To write one would be a guess. */
export function unremembered({ tool, table }: FoundHistory, ids: readonly string[]): Problem {
  const each = ids.length === 1 ? ids[0] : "<revision>";
  const [is, it] = ids.length === 1 ? ["is", "it"] : ["are", "they"];
  return {
    code: "ADOPT_TAKEN_BACK",
    message: `${namesOf(ids)} ${is} applied here and not in the history of ${tool.title} (${describeTable(table)}), and our ledger does not remember whether ${it} ever ${ids.length === 1 ? "was" : "were"}.`,
    hint: `Look at the database. If ${it} ${is} there: \`godwit repair --mark-done ${each}\`${ids.length === 1 ? "" : `, or for all of them \`godwit baseline ${ids.at(-1)}\``}, which writes the row. If ${it} ${ids.length === 1 ? "was" : "were"} taken back: \`godwit repair --forget ${each}\`. Nothing was changed.`,
    details: { tool: tool.name, table: describeTable(table), revisions: ids },
  };
}

/** The table of the history is gone. */
export function historyGone(
  tool: Tool,
  table: string,
  {
    revisions,
    how,
  }: { readonly revisions: readonly string[]; readonly how: "mirrored" | "could be mirrored" | "never" },
): Problem {
  const last = revisions.at(-1);
  const lost = {
    mirrored: `: \`godwit baseline ${last}\` creates it again with all that is applied`,
    "could be mirrored": `: \`godwit baseline ${last} --mirror ${tool.name}\` creates it again with all that is applied`,
    never: ", restore it from a backup: Godwit does not write it",
  }[how];
  return {
    code: "ADOPT_TAKEN_BACK",
    message: `The history of ${tool.title}, ${table}, is gone.`,
    hint: `If ${tool.title} is no longer used: --mirror none. If only its table was lost${lost}. If what ${revisions.length === 1 ? `${last} did` : "they all did"} is gone with it: \`godwit repair --forget ${last}\`${revisions.length === 1 ? "" : ", and the same for each one before it"}.`,
    details: { tool: tool.name, table, revisions },
  };
}

/** A pending file and a row without a file share a name. Only a person knows whether they are the same migration. */
export function sameName(
  { tool, table }: FoundHistory,
  { id, row, applied }: { readonly id: string; readonly row: ToolRow; readonly applied?: true },
): Problem {
  if (applied === true) return otherId({ tool, table }, { id, row });
  const project = row.columns?.project == null ? "" : ` of project ${row.columns.project}`;
  const others = project === "" ? "" : ` If it is another project's: --mirror none:${describeTable(table)}.`;
  return {
    code: "ADOPT_CONFLICT",
    message: `${id} is pending, and ${tool.title} has applied ${row.name}${project}, which has no file (${describeTable(table)}): by name or text they are the same migration.`,
    hint: `If it is the same: \`godwit repair --mark-done ${id}\`. If it is another one, remove that row from ${describeTable(table)} with ${tool.title}.${others} Nothing was changed.`,
    details: { tool: tool.name, table: describeTable(table), revisions: [id], row: row.name },
  };
}

/**
 * A pending file has the version of an applied revision, and the row belongs to that one. If it counted for the new
 * file, a text that nobody ran would count as applied.
 */
export function renamedThere(
  { tool, table }: FoundHistory,
  id: string,
  { was, hadFile }: { readonly was: string; readonly hadFile: boolean },
): Problem {
  return {
    code: "PLAN_VANISHED",
    message: `${id} is pending, and has the version of ${was}, which is applied: the row of ${tool.title} (${describeTable(table)}) is that of ${was}. It was renamed, or is another one.`,
    hint: `${hadFile ? `Rename it back to ${was}. ` : ""}If it is the same under a new name: \`godwit repair --mark-done ${id}\`, then \`godwit repair --forget ${was}\`. If it is another one, give it its own version. Nothing was changed.`,
    details: { tool: tool.name, table: describeTable(table), revision: id, applied: was },
  };
}

/** Sqitch makes its ids from the lines of the plan. An edited note gives new ids to a change and to all behind it. */
function otherId(
  { tool, table }: Pick<FoundHistory, "tool" | "table">,
  { id, row }: { readonly id: string; readonly row: ToolRow },
): Problem {
  const there = row.keys.at(-1) ?? row.name;
  return {
    code: "ADOPT_CONFLICT",
    message: `${id} is applied, and in the history of ${tool.title} (${describeTable(table)}) it has another id than the files give it: ${there}.`,
    hint: `Restore what was edited, because ${tool.title} goes by the id. To leave its row as it is: \`godwit repair --mark-done ${id}\`. Nothing was changed.`,
    details: { tool: tool.name, table: describeTable(table), revisions: [id], row: row.name },
  };
}

/** A number says that everything up to it is applied. It says the same after it came down to a file that never ran. */
export function uncertainNumber({ tool, table }: FoundHistory, id: string, later: Later): Problem {
  const known = later.wasThere
    ? `was at ${later.id} before`
    : `${later.id}, which is later, was applied here`;
  return {
    code: "ADOPT_CONFLICT",
    message: `${tool.title} is at ${id} now (${describeTable(table)}), and ${known}: ${id} was applied there, or the number came down to it.`,
    hint: `Look at the database. If ${id} is there: \`godwit repair --mark-done ${id}\`. If not: set the number of ${tool.title} to the last one that is (\`migrate force <number>\`). Nothing was changed.`,
    details: { tool: tool.name, table: describeTable(table), revisions: [id] },
  };
}

export function movedWarning({ tool, table }: FoundHistory, before: string): Problem {
  return {
    code: "ADOPT_CONFLICT",
    message: `The history of ${tool.title} is ${describeTable(table)} now; it was ${before} when it was last looked at.`,
    hint: "It is taken for the same one.",
    details: { tool: tool.name, table: describeTable(table), before },
  };
}

export function bothWarning({ tool, table }: FoundHistory, ids: readonly string[]): Problem {
  return {
    code: "ADOPT_CONFLICT",
    message: `${namesOf(ids)} was applied here, and since then ${tool.title} says that it has applied it too (${describeTable(table)}).`,
    hint: "If it was not only marked there, its effect is there twice: look at the database.",
    details: { tool: tool.name, table: describeTable(table), revisions: ids },
  };
}

export function editedWarning(tool: Tool, id: string): Problem {
  return {
    code: "PLAN_EDITED",
    message: `${id} is not the text that ${tool.title} applied: the checksum in its history is another.`,
    hint: "The database has what it said before. Restore the file, or put the change into a new migration.",
    details: { revision: id },
  };
}

/** `waits`: their files may come. */
export function missingWarning(tool: Tool, missing: readonly ToolRow[], waits: boolean): Problem {
  return {
    code: "PLAN_VANISHED",
    message: `${tool.title} has applied what has no file here: ${namesOf(missing.map(({ name }) => name))}.`,
    hint: !waits
      ? "Take it over with `godwit adopt`; nothing of it is run here."
      : "Normal for an older release on a newer database; else restore the files from version control.",
    details: { rows: missing.map(({ name }) => name) },
  };
}

function namesOf(ids: readonly string[]): string {
  return `${ids.slice(0, 3).join(", ")}${ids.length > 3 ? ", …" : ""}`;
}
