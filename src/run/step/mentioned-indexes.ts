/**
 * Invalid indexes that a run's steps name anywhere. A step can keep one and silence the server's notice about it, in a function
 * or a `DO` block too: the catalog then says that the index is invalid, and the step's own words that it is meant.
 */
import { mentionedNames } from "../../core/sql/mentions.ts";
import type { InvalidIndex } from "../catalog/indexes.ts";
import type { StepContext } from "./context.ts";
import type { Prepared } from "./prepared.ts";

export interface Mentions {
  /** What a step is written as, or has sent. */
  note(revision: string, text: string): void;
  /** By name, those that a step has named in a schema that it works in. The session is the run's own. */
  found(context: StepContext, invalid: readonly InvalidIndex[]): Promise<ReadonlySet<string>>;
}

const SEARCH_PATH = "search_path";

/** `invalid`: before the steps. */
export function createMentions(invalid: readonly InvalidIndex[]): Mentions {
  const wanted = new Set([SEARCH_PATH, ...invalid.flatMap(({ bareName, schema }) => [bareName, schema])]);
  const said = new Map<string, Set<string>>();
  return {
    note(revision, text) {
      if (invalid.length === 0) return;
      const known = said.get(revision) ?? new Set();
      said.set(revision, known);
      for (const name of mentionedNames(text, wanted)) known.add(name);
    },
    async found(context, now) {
      const isNamed = ({ bareName }: InvalidIndex) => [...said.values()].some((names) => names.has(bareName));
      const named = now.filter(isNamed);
      if (named.length === 0) return new Set();
      const inPath = await searchPath(context);
      const isMeant = ({ bareName, schema }: InvalidIndex) =>
        [...said.values()].some(
          (names) =>
            names.has(bareName) && (inPath.has(schema) || names.has(schema) || names.has(SEARCH_PATH)),
        );
      return new Set(named.filter(isMeant).map(({ name }) => name));
    },
  };
}

export async function noteTexts(mentions: Mentions, steps: readonly Prepared[]): Promise<void> {
  for (const { step, problem, load } of steps) {
    // A file that cannot be read fails when its turn comes.
    const body = problem === null ? await load().catch(() => null) : null;
    if (body?.kind === "sql") mentions.note(step.revision, body.text);
  }
}

async function searchPath({ connection }: StepContext): Promise<ReadonlySet<string>> {
  const { rows } = await connection.query<{ schemas: string }>(
    "select pg_catalog.to_json(pg_catalog.current_schemas(false))::pg_catalog.text as schemas",
  );
  return new Set(JSON.parse(rows[0]?.schemas ?? "[]") as string[]);
}
