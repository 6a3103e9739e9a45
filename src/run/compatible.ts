/**
 * Answers, before a roll-out, whether an image can live with a database as it is: an older image with a newer database, or the
 * other way round. The image is a list of its revisions. It changes nothing.
 */
import { graphOf } from "../core/graph.ts";
import { aheadOf } from "../core/heads.ts";
import type { History, HistoryEntry } from "../core/history.ts";
import type { Migration, Phase } from "../core/migration.ts";
import { type Plan, plan } from "../core/plan.ts";
import { GodwitError, type Problem, problemsOf, SourceError } from "../errors.ts";
import { numberOf } from "../source/names.ts";
import type { Listed, RevisionList } from "../source/revisions.ts";
import { type MigrateOptions, planInput } from "./plan.ts";
import { withConnection } from "./session/connect.ts";
import type { RunContext, Target } from "./session/target.ts";
import { viewOf } from "./status.ts";

export interface Compatibility {
  readonly target: string;
  readonly database: string;
  /** Its own `up` would begin, and nothing is gone that it may use. */
  readonly compatible: boolean;
  /** `different`: it has revisions that this database lacks, and the other way round. */
  readonly relation: "same" | "older" | "newer" | "different";
  /** What its own `up` would apply. */
  readonly pending: readonly { readonly revision: string; readonly phase: Phase }[];
  /** What is applied and is newer than the image. */
  readonly ahead: readonly string[];
  /** Why it is not compatible. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export interface CompatibleOptions extends MigrateOptions {
  /** Asks about the database as it will be after an `up` of these files. */
  readonly afterUp: boolean;
  /** What is pending is a problem: the image must find everything in place. */
  readonly ready: boolean;
}

export async function compatible(
  target: Target,
  { image, ...options }: CompatibleOptions & { readonly image: readonly Listed[] },
  context: RunContext,
): Promise<Compatibility> {
  const { database, history } = await historyOf(target, options, context);
  const migrations = migrationsOf(image, history);
  const graph = graphOf(migrations, { order: target.settings.order });
  const above = aheadOf(graph, history);
  const ahead = history.entries.filter(({ revision }) => above.has(revision));
  const { decided, problems: refused } = decide(target, options, { migrations, history });
  const pending = (decided?.steps ?? []).map(({ revision, phase }) => ({ revision, phase }));
  const problems = [
    ...refused,
    ...ahead.filter(({ phase }) => phase === "contract").map(contracted),
    ...(options.ready && pending.length > 0 ? [notReady(pending)] : []),
  ];
  return {
    target: target.name,
    database,
    compatible: problems.length === 0,
    relation: relationOf(pending.length > 0, ahead.length > 0),
    pending,
    ahead: ahead.map(({ revision }) => revision),
    problems,
    warnings: decided?.warnings ?? [],
  };
}

/** The revisions of these files, for another image or for later. Throws `SourceError` if files are wrong. */
export async function revisionsOf(target: Pick<Target, "source">): Promise<RevisionList> {
  const { migrations, problems } = await target.source.list();
  const [first, ...others] = [...problems, ...migrations.flatMap(({ problem }) => problem ?? [])];
  if (first !== undefined) throw new SourceError([first, ...others]);
  return { format: 1, layout: target.source.layout, migrations };
}

type HistoryOfDatabase = { readonly database: string; readonly history: History };

/**
 * What is applied, with what another tool has applied, as far as the files here tell. Without files the ledger alone counts:
 * the question may be asked where none are.
 */
async function historyOf(
  target: Target,
  options: CompatibleOptions,
  context: RunContext,
): Promise<HistoryOfDatabase> {
  try {
    const view = await viewOf(target, context);
    if (view.refused !== null) throw view.refused;
    if (!options.afterUp) return view;
    const { steps } = plan(planInput(target, options, view.files, view.history));
    const files = new Map(view.files.migrations.map((migration) => [migration.id, migration]));
    const added = steps.flatMap(({ revision }) => files.get(revision) ?? []);
    return { database: view.database, history: grown(view.history, added) };
  } catch (error) {
    const isWithoutFiles = error instanceof SourceError && /^SOURCE_FOLDER_/.test(error.code);
    if (!isWithoutFiles || options.afterUp) throw error;
    return withConnection(target, context, async (connection) => ({
      database: connection.server.database,
      history: await target.ledger.read(connection),
    }));
  }
}

/** The history after these migrations have been applied. */
function grown(history: History, added: readonly Migration[]): History {
  const again = new Set(added.map(({ id }) => id));
  const last = Math.max(0, ...history.entries.map(({ sequence }) => sequence));
  return {
    ...history,
    entries: [
      ...history.entries.filter(({ revision }) => !again.has(revision)),
      ...added.map(
        ({ id, kind, phase, number, revises, depends, file, checksum, fingerprint, settings }, index) => ({
          ...{ revision: id, kind, phase, number, file, checksum, fingerprint },
          sequence: last + 1 + index,
          state: "applied" as const,
          baseline: false,
          parents: [...(revises ?? []), ...depends],
          revertScript: null,
          minimumRevision: settings.minimumRevision ?? null,
        }),
      ),
    ],
  };
}

/** Of a revision whose name alone is known, the ledger tells the rest. One that is not in there has the place of its name. */
function migrationsOf(image: readonly Listed[], history: History): readonly Migration[] {
  const known = new Map(history.entries.map((entry) => [entry.revision, entry]));
  const numbered = history.entries.every(({ kind, number }) => kind === "repeatable" || number !== null);
  return image.map((listed, position): Migration => {
    if (typeof listed !== "string") return listed;
    const entry = known.get(listed);
    const number = entry === undefined ? (numbered ? numberOf(listed) : null) : entry.number;
    return {
      id: listed,
      kind: entry?.kind ?? "sql",
      number,
      ...(number === null ? { position } : {}),
      file: entry?.file ?? listed,
      revises: null,
      depends: [],
      phase: entry?.phase ?? "startup",
      checksum: entry?.checksum ?? "",
      fingerprint: entry?.fingerprint ?? null,
      revertible: false,
      settings: {},
    };
  });
}

function decide(
  target: Target,
  options: MigrateOptions,
  { migrations, history }: { readonly migrations: readonly Migration[]; readonly history: History },
): { readonly decided: Plan | null; readonly problems: readonly Problem[] } {
  try {
    return {
      decided: plan(planInput(target, options, { migrations, problems: [] }, history)),
      problems: [],
    };
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    return { decided: null, problems: problemsOf(error) };
  }
}

function relationOf(isNewer: boolean, isOlder: boolean): Compatibility["relation"] {
  if (isNewer) return isOlder ? "different" : "newer";
  return isOlder ? "older" : "same";
}

function contracted({ revision, file }: HistoryEntry): Problem {
  return {
    code: "IMAGE_CONTRACT",
    message: `${revision} (phase contract) takes away what this image may still use, because the image does not know it.`,
    hint: `Roll out an image that has ${revision}, or take it back first: \`godwit down <revision>\` with the last one that shall stay.`,
    place: { file },
    details: { revision },
  };
}

function notReady(pending: readonly { readonly revision: string }[]): Problem {
  const revisions = pending.map(({ revision }) => revision);
  return {
    code: "IMAGE_PENDING",
    message: `This image needs what is not applied yet: ${revisions.join(", ")}.`,
    hint: "Run `godwit up` with the files of this image first.",
    details: { revisions },
  };
}
