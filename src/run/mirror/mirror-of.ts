/** How the history of a known tool is written: its table, which exists or is to be created. */
import { graphOf } from "../../core/graph.ts";
import { reach } from "../../core/order.ts";
import { PlanRefused, type Problem } from "../../errors.ts";
import type { Listing } from "../../source/source.ts";
import { groupBy } from "../../std/group.ts";
import type { Around, Tool } from "../../tools/tool.ts";
import type { Target } from "../session/target.ts";
import { type FoundHistory, sideBySide } from "./histories.ts";
import type { Mirror } from "./mirror.ts";
import { refuseUnfilled } from "./whose.ts";

export function mirrorOf(
  tool: Tool,
  found: FoundHistory | undefined,
  { files, table, target }: { files: Listing; table: string | undefined; target: Target },
): Mirror {
  const { writer } = tool;
  const { settings } = target;
  if (writer === undefined) throw new Error(`${tool.name} cannot be mirrored.`);
  const strange = writer.ownFiles === true && !tool.layouts.includes(target.source.layout);
  const problem = strange ? notItsFiles(tool, target) : (writer.check?.(files.migrations) ?? null);
  if (problem !== null) throw new PlanRefused([problem]);
  if (found !== undefined) {
    refuseUnfilled(found, writer);
    const around = aroundOf(found, { files, order: settings.order });
    return { tool, writer, table: found.table, create: null, around };
  }
  const [name, schema] = (table ?? "").split(".").reverse();
  const only = settings.schema ?? null;
  const at = name
    ? { name, schema: schema ?? only }
    : only === null
      ? null
      : { name: tool.table, schema: only };
  const made = writer.create(
    files.migrations.flatMap((migration) => migration.tool ?? []),
    at,
  );
  return { tool, writer, table: made.table, create: made.sql };
}

/** Finds the rows that come before or after a revision. */
function aroundOf(
  found: FoundHistory,
  { files, order }: { readonly files: Listing; readonly order: readonly string[] },
): (revision: string) => Around {
  const look = () => {
    const { order: all, below } = graphOf(files.migrations, { order });
    const above = groupBy(
      all.flatMap(({ id }) => below(id).map((one) => ({ id, one }))),
      ({ one }) => one,
    );
    const { applied } = sideBySide(found, files.migrations);
    const rows = applied.flatMap(({ id, row }) => (row === null ? [] : [{ id, name: row.name }]));
    return { rows, below, above: (id: string) => (above.get(id) ?? []).map((edge) => edge.id) };
  };
  // Most tools never ask.
  let looked: ReturnType<typeof look> | undefined;
  return (revision) => {
    looked ??= look();
    const { rows, below, above } = looked;
    const namesIn = (ids: ReadonlySet<string>) => rows.flatMap(({ id, name }) => (ids.has(id) ? [name] : []));
    return {
      below: namesIn(reach(below(revision), below)),
      above: namesIn(reach(above(revision), above)),
    };
  };
}

function notItsFiles(tool: Tool, { source: { layout } }: Target): Problem {
  return {
    code: "ADOPT_CONFLICT",
    message: `The history of ${tool.title} cannot be mirrored from files of ${layout}: its rows speak of its own files.`,
    hint: `Without: --mirror none. If they are its files after all: --layout ${tool.layouts[0]}.`,
  };
}
