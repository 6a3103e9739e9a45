/**
 * How the migrations of one source relate to each other.
 *
 * A source in which no file declares `revises` is a line. Numbers and names give the order, and `depends` changes it. A
 * single declaration makes the source a revision graph. Its migrations without a declaration then form a line among
 * themselves. Repeatables belong to neither and come last.
 */
import type { Problem } from "../errors.ts";
import { nearest } from "../std/nearest.ts";
import type { Migration } from "./migration.ts";
import { byPlace, compareText, sortTopologically } from "./order.ts";

export interface Graph {
  readonly shape: "line" | "graph";
  /** The total order: parents and dependencies come first, repeatables last. It is complete even if there are problems. */
  readonly order: readonly Migration[];
  readonly byId: ReadonlyMap<string, Migration>;
  /** Parents among the files. In a line, or without a declaration, the parent is the preceding migration. */
  readonly parents: (id: string) => readonly string[];
  /** What the author declared in `revises` and `depends`, limited to migrations that are among the files. */
  readonly needs: (id: string) => readonly string[];
  /** Parents and needs. */
  readonly below: (id: string) => readonly string[];
  /** Ids that no other migration names as its parent, in the total order. */
  readonly heads: readonly string[];
  readonly problems: readonly Problem[];
}

export interface GraphOptions {
  /** Ids of files without a number, in the order in which they run. */
  readonly order?: readonly string[];
  /** Revisions that are applied to the database. Their files may be gone. */
  readonly applied?: ReadonlySet<string>;
}

/** Builds the graph. It never throws: faults go into `problems`, so that a plan can list them with everything else. */
export function graphOf(migrations: readonly Migration[], options: GraphOptions = {}): Graph {
  const { byId, problems } = index(migrations);
  const compare = byPlace(options.order ?? []);
  const all = [...byId.values()].sort(compare);
  const members = all.filter((migration) => migration.kind !== "repeatable");
  const shape = members.some((migration) => migration.revises !== null) ? "graph" : "line";

  const needs = new Map<string, readonly string[]>();
  for (const migration of all) {
    needs.set(migration.id, knownNeeds(migration, { byId, applied: options.applied ?? new Set(), problems }));
  }
  const needsOf = (id: string) => needs.get(id) ?? [];
  const place = placesOf(members, needsOf);

  const declared = sortTopologically(place.keys(), needsOf, (left, right) =>
    comparePlaces(place, left, right),
  );
  // The line inside a graph follows this order. Its implied edges therefore cannot contradict the declared ones.
  const parents = parentsOf(declared.order, byId);
  const parentsOfId = (id: string) => parents.get(id) ?? [];
  const below = (id: string) => [...new Set([...parentsOfId(id), ...needsOf(id)])];
  const repeatables = sortTopologically(
    all.filter((migration) => migration.kind === "repeatable").map((migration) => migration.id),
    needsOf,
    (left, right) => placed(byId, left) - placed(byId, right) || compareText(left, right),
  );
  for (const cycle of [...declared.cycles, ...repeatables.cycles]) problems.push(cycleProblem(cycle, byId));

  const named = new Set(declared.order.flatMap(parentsOfId));
  return {
    shape,
    order: [...declared.order, ...repeatables.order].flatMap((id) => byId.get(id) ?? []),
    byId,
    parents: parentsOfId,
    needs: needsOf,
    below,
    heads: declared.order.filter((id) => !named.has(id)),
    problems,
  };
}

/** The problem to report when a goal needs a single head and there are several. */
export function severalHeads(graph: Graph): Problem | undefined {
  if (graph.heads.length < 2) return undefined;
  return {
    code: "GRAPH_SEVERAL_HEADS",
    message: `The revision graph has ${graph.heads.length} heads: ${graph.heads.join(", ")}.`,
    hint: `Join them with \`godwit merge ${graph.heads.join(" ")}\`, or apply all of them with \`godwit up heads\`.`,
    details: { heads: graph.heads },
  };
}

function index(migrations: readonly Migration[]): { byId: Map<string, Migration>; problems: Problem[] } {
  const byId = new Map<string, Migration>();
  const files = new Map<string, string[]>();
  for (const migration of [...migrations].sort((left, right) => compareText(left.file, right.file))) {
    if (!byId.has(migration.id)) byId.set(migration.id, migration);
    files.set(migration.id, [...(files.get(migration.id) ?? []), migration.file]);
  }
  const problems = [...files]
    .filter(([, where]) => where.length > 1)
    .map(([id, where]): Problem => {
      const message = `${where.length} files are the revision ${id}: ${where.join(", ")}.`;
      const hint = "Rename all but one of them, then look at the order with `godwit plan`.";
      return { code: "SOURCE_DUPLICATE_ID", message, hint, place: { file: where[1] ?? "" }, details: { id } };
    });
  return { byId, problems };
}

/** Repeatables are sorted by id, unless the source gives them an order. */
function placed(byId: ReadonlyMap<string, Migration>, id: string): number {
  return byId.get(id)?.position ?? 0;
}

function knownNeeds(
  migration: Migration,
  context: { byId: ReadonlyMap<string, Migration>; applied: ReadonlySet<string>; problems: Problem[] },
): readonly string[] {
  const known: string[] = [];
  for (const [word, ids] of [
    ["revises", migration.kind === "repeatable" ? [] : (migration.revises ?? [])],
    ["depends on", migration.depends],
  ] as const) {
    for (const id of new Set(ids)) {
      const other = context.byId.get(id);
      const verb = word !== "revises" && migration.requires?.includes(id) === true ? "requires" : word;
      if (verb === "requires" && other?.problem === undefined && isNoBackfill(other))
        context.problems.push(noBackfill(migration, other));
      if (other !== undefined && (other.kind !== "repeatable" || migration.kind === "repeatable")) {
        known.push(id);
      } else if (other !== undefined) {
        const message = `${migration.id} ${verb} ${id}, which is a repeatable migration and runs after all others.`;
        context.problems.push(
          unknownParent(migration, id, { message, hint: `Remove ${id} from its ${verb}.` }),
        );
      } else if (!context.applied.has(id)) {
        const meant = nearest(id, context.byId.keys());
        const message = `${migration.id} ${verb} ${id}, which is not among these files.`;
        const hint = meant === undefined ? "Restore its file" : `Did you mean ${meant}? Correct it`;
        context.problems.push(
          unknownParent(migration, id, { message, hint: `${hint}, then look again with \`godwit plan\`.` }),
        );
      }
    }
  }
  return [...new Set(known)].sort(compareText);
}

function isNoBackfill(migration: Migration | undefined): migration is Migration {
  return migration !== undefined && migration.backfill === undefined;
}

function noBackfill(migration: Migration, other: Migration): Problem {
  return {
    code: "SOURCE_DIRECTIVE_INVALID",
    message: `${migration.id} requires ${other.id}, which is no backfill.`,
    hint: `Write \`depends\` in the place of \`requires\` in ${migration.file}, or name a backfill; look again with \`godwit plan\`.`,
    place: { file: migration.file },
    details: { revision: migration.id, requires: other.id },
  };
}

function unknownParent(migration: Migration, id: string, text: { message: string; hint: string }): Problem {
  const details = { revision: migration.id, missing: id };
  return { code: "GRAPH_UNKNOWN_PARENT", ...text, place: { file: migration.file }, details };
}

type Rank = readonly [rank: number, own: number];

/**
 * Ranks the migrations that are free to run next. If a numbered file needs a file without a number, the latter comes
 * just before it. Behind all numbers, it would delay the file that needs it, and later numbers would overtake.
 */
function placesOf(
  members: readonly Migration[],
  needs: (id: string) => readonly string[],
): ReadonlyMap<string, Rank> {
  const place = new Map<string, Rank>(members.map((migration, own) => [migration.id, [own, own]]));
  const numbered = new Set(members.filter((migration) => migration.number !== null).map(({ id }) => id));
  const moved = new Set<string>();
  for (const [rank, { id }] of members.slice(0, numbered.size).entries()) {
    const waiting = [...needs(id)];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const own = place.get(next)?.[1];
      if (own === undefined || numbered.has(next) || moved.has(next)) continue;
      moved.add(next);
      place.set(next, [rank - 0.5, own]);
      waiting.push(...needs(next));
    }
  }
  return place;
}

function comparePlaces(place: ReadonlyMap<string, Rank>, left: string, right: string): number {
  const [a, b] = [place.get(left) ?? [0, 0], place.get(right) ?? [0, 0]];
  return a[0] - b[0] || a[1] - b[1];
}

function parentsOf(
  order: readonly string[],
  byId: ReadonlyMap<string, Migration>,
): ReadonlyMap<string, readonly string[]> {
  const parents = new Map<string, readonly string[]>();
  const isMember = (id: string) => (byId.get(id)?.kind ?? "repeatable") !== "repeatable";
  let previous: string | undefined;
  for (const id of order) {
    const revises = byId.get(id)?.revises ?? null;
    if (revises !== null) {
      parents.set(id, [...new Set(revises)].filter(isMember).sort(compareText));
    } else {
      parents.set(id, previous === undefined ? [] : [previous]);
      previous = id;
    }
  }
  return parents;
}

function cycleProblem(cycle: readonly string[], byId: ReadonlyMap<string, Migration>): Problem {
  const [first = ""] = cycle;
  return {
    code: "GRAPH_CYCLE",
    message: `Migrations wait for each other in a circle: ${[...cycle, first].join(" → ")}.`,
    hint: `Remove one of these \`revises\` or \`depends\`, then look at the order with \`godwit plan\`.`,
    place: { file: byId.get(first)?.file ?? first },
    details: { cycle },
  };
}
