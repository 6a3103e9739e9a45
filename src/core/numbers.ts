/** What can go wrong with numbers in a line: a number that comes late, and a number used twice. */
import type { Problem } from "../errors.ts";
import { mayComeLater } from "./background.ts";
import type { Graph } from "./graph.ts";
import type { HistoryEntry } from "./history.ts";
import type { Migration } from "./migration.ts";
import { compareNumbers, compareText } from "./order.ts";
import type { PassedOver } from "./step.ts";

type Applied = Pick<HistoryEntry, "revision" | "kind" | "state" | "phase" | "number">;

/**
 * Finds pending migrations that another has overtaken in the same phase. The other has a greater number, or comes later
 * in the source. What another tool may have run is late too, in a graph as well: its files may be those of a later
 * release, so nothing here need be behind it.
 */
export function late(
  fresh: readonly Migration[],
  graph: Graph,
  {
    entries,
    passedOver = new Map(),
  }: {
    readonly entries: readonly Applied[];
    readonly passedOver?: ReadonlyMap<string, PassedOver> | undefined;
  },
): Problem[] {
  const mayHaveRun = ({ id }: Migration) => passedOver.get(id)?.mayHaveRun === true;
  if (graph.shape === "graph")
    return lateProblem(
      fresh.filter(mayHaveRun).map((migration) => ({ migration })),
      passedOver,
    );
  const places = new Map(graph.order.map(({ id }, index) => [id, index]));
  const place = (id: string) => places.get(id) ?? Number.POSITIVE_INFINITY;
  const earliest = fresh.reduce((least, { id }) => Math.min(least, place(id)), Number.POSITIVE_INFINITY);
  // Usually empty: all applied migrations come before all pending ones.
  const ahead = entries.filter(
    ({ revision, kind, state }) => kind !== "repeatable" && state === "applied" && place(revision) > earliest,
  );
  const isGreater = (entry: Applied, { number, position }: Migration) => {
    if (position !== undefined) return graph.byId.get(entry.revision)?.position !== undefined;
    return entry.number !== null && number !== null && compareNumbers(entry.number, number) > 0;
  };
  const overtaking = (migration: Migration) =>
    ahead.find(
      (entry) =>
        entry.phase === migration.phase &&
        isGreater(entry, migration) &&
        // A dependency may put a greater number first. That is the intended order, so nothing was overtaken.
        place(entry.revision) > place(migration.id),
    );
  const comesLater = mayComeLater(graph);
  const found = fresh
    .filter(({ id }) => !comesLater.has(id))
    .filter((migration) => migration.settings.outOfOrder !== true || mayHaveRun(migration))
    .flatMap((migration): Late[] => {
      const entry = overtaking(migration);
      if (entry !== undefined) return [{ migration, entry }];
      return mayHaveRun(migration) ? [{ migration }] : [];
    });
  const isUnsure = ({ migration }: { migration: Migration }) => passedOver.has(migration.id);
  return [
    ...lateProblem(
      found.filter((one) => !isUnsure(one)),
      undefined,
    ),
    ...lateProblem(found.filter(isUnsure), passedOver),
  ];
}

interface Late {
  readonly migration: Migration;
  /** What has overtaken it. */
  readonly entry?: Applied;
}

function lateProblem(
  found: readonly Late[],
  passedOver: ReadonlyMap<string, PassedOver> | undefined,
): Problem[] {
  const [first] = found;
  if (first === undefined) return [];
  const names = found
    .map(({ migration, entry }) =>
      entry === undefined ? migration.id : `${migration.id} (before ${entry.revision})`,
    )
    .join(", ");
  const { id } = first.migration;
  const title = passedOver?.get(id)?.title;
  const overtaken = found.some(({ entry }) => entry !== undefined);
  return [
    {
      code: "PLAN_LATE",
      message: overtaken
        ? `Pending, but something behind it is applied already: ${names}.`
        : `Pending, but ${title} counts it as applied already: ${names}.`,
      hint:
        title !== undefined
          ? `${title} takes it for applied, and may have run it: look at the database. If it is there: \`godwit repair --mark-done ${id}\`. If not: \`godwit up --out-of-order\` runs it.`
          : first.migration.position === undefined
            ? `Rename with a new number, or allow it ${allowance(first.migration)}, or for this run with \`godwit up --out-of-order\`.`
            : "Run it for this once with `godwit up --out-of-order`, if its order does not matter; or rename it to come last.",
      place: { file: first.migration.file },
      details: { revisions: found.map(({ migration }) => migration.id) },
    },
  ];
}

/** Finds files that share a number. Git merges them without a conflict, and nobody has decided their order. */
export function sharedNumbers(fresh: readonly Migration[], graph: Graph): Problem[] {
  const inLine = ({ kind, revises, number }: Migration) =>
    kind !== "repeatable" && revises === null && number !== null;
  const sharing = new Map<string, Migration[]>();
  for (const migration of graph.order.filter(inLine)) {
    const number = migration.number ?? "";
    sharing.set(number, [...(sharing.get(number) ?? []), migration]);
  }
  const offending = new Set(fresh.filter(({ settings }) => settings.outOfOrder !== true));
  return [...sharing].flatMap(([number, group]): Problem[] => {
    const newest = group.findLast((migration) => offending.has(migration));
    if (group.length < 2 || newest === undefined) return [];
    return [
      {
        code: "PLAN_DUPLICATE_NUMBER",
        message: `${group.length} migrations have the number ${number}: ${group.map(({ id }) => id).join(", ")}.`,
        hint: `Rename ${newest.id} with a new number, or allow it ${allowance(newest)}, then look again with \`godwit plan\`.`,
        place: { file: newest.file },
        details: { number, revisions: group.map(({ id }) => id).sort(compareText) },
      },
    ];
  });
}

function allowance({ kind, file }: Migration): string {
  const line = kind === "module" ? "`outOfOrder: true`" : "`-- godwit: out-of-order=allow`";
  return `with ${line} in ${file}`;
}
