/** How the history of a known tool is written: its table, which exists or is to be created. */
import { graphOf } from "../../core/graph.ts";
import { reach } from "../../core/order.ts";
import { PlanRefused, type Problem } from "../../errors.ts";
import type { Listing } from "../../source/source.ts";
import { groupBy } from "../../std/group.ts";
import { type Around, describeTable, type Parents, type Tool } from "../../tools/tool.ts";
import type { Target } from "../session/target.ts";
import { type FoundHistory, sideBySide } from "./histories.ts";
import type { Mirror } from "./mirror.ts";
import { refuseUnfilled } from "./whose.ts";

export function mirrorOf(
  tool: Tool,
  found: FoundHistory | undefined,
  {
    files,
    table,
    target,
    parents,
  }: { files: Listing; table: string | undefined; target: Target; parents?: Parents },
): Mirror {
  const { writer } = tool;
  const { settings } = target;
  if (writer === undefined) throw new Error(`${tool.name} cannot be mirrored.`);
  const strange = writer.ownFiles === true && !tool.layouts.includes(target.source.layout);
  const problem = strange ? notItsFiles(tool, target) : (writer.check?.(files.migrations) ?? null);
  if (problem !== null) throw new PlanRefused([problem]);
  if (found !== undefined) {
    refuseUnfilled(found, writer);
    refuseOtherNames(found, files);
    const around = aroundOf(found, { files, order: settings.order, parents });
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
  {
    files,
    order,
    parents = new Map(),
  }: { readonly files: Listing; readonly order: readonly string[]; readonly parents?: Parents | undefined },
): (revision: string) => Around {
  const look = () => {
    const { order: all, below } = graphOf(files.migrations, { order });
    const above = groupBy(
      all.flatMap(({ id }) => below(id).map((one) => ({ id, one }))),
      ({ one }) => one,
    );
    const { applied, open = [] } = sideBySide(found, files.migrations, parents);
    const rows = applied.flatMap(({ id, row }) => (row === null ? [] : [{ id, name: row.name }]));
    const names = new Set(open);
    const unknown = found.history.rows.flatMap(({ name }) => (names.has(name) ? [name] : []));
    const needs = new Map(files.migrations.map((one) => [one.id, [...(one.revises ?? []), ...one.depends]]));
    const standsOn = (id: string) => reach([id], (one) => needs.get(one) ?? parents.get(one) ?? []);
    return {
      ...{ rows, below, unknown, standsOn },
      above: (id: string) => (above.get(id) ?? []).map((edge) => edge.id),
    };
  };
  // Most tools never ask.
  let looked: ReturnType<typeof look> | undefined;
  return (revision) => {
    looked ??= look();
    const { rows, below, above, unknown, standsOn } = looked;
    const namesIn = (ids: ReadonlySet<string>) => rows.flatMap(({ id, name }) => (ids.has(id) ? [name] : []));
    const heads = new Set([...rows.map(({ id }) => id), ...unknown]);
    const isPlaced = [...standsOn(revision)].some((one) => heads.has(one));
    return {
      below: namesIn(reach(below(revision), below)),
      // Nobody here knows what these imply. It may be this one, unless it stands on a row.
      above: [...namesIn(reach(above(revision), above)), ...(isPlaced ? [] : unknown)],
    };
  };
}

/** We would write the names of our files beside those that the tool has. */
function refuseOtherNames(found: FoundHistory, { migrations }: Listing): void {
  const { applied, isSame } = sideBySide(found, migrations);
  const other = isSame ? applied.find(({ id, row }) => row !== null && row.name !== id) : undefined;
  if (other === undefined) return;
  const { tool, table } = found;
  const file = migrations.find(({ id }) => id === other.id)?.file ?? other.id;
  throw new PlanRefused([
    {
      code: "ADOPT_CONFLICT",
      message: `${file} is revision ${other.row?.name} of ${tool.title} (${describeTable(table)}), and has another name here: ${tool.title} would not know what is mirrored under it.`,
      hint: `Give each file the name of its revision (${other.row?.name}.sql), in \`revises\` too; or run without: --mirror none. Nothing was changed.`,
      place: { file },
      details: { tool: tool.name, table: describeTable(table), revision: other.id },
    },
  ]);
}

function notItsFiles(tool: Tool, { source: { layout } }: Target): Problem {
  return {
    code: "ADOPT_CONFLICT",
    message: `The history of ${tool.title} cannot be mirrored from files of ${layout}: its rows speak of its own files.`,
    hint: `Without: --mirror none. If they are its files after all: --layout ${tool.layouts[0]}.`,
  };
}
