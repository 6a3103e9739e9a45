/**
 * Invalid indexes that a run's steps name anywhere.
 *
 * A step can keep an invalid index and silence the server's notice about it, also in a function or a `DO`
 * block. The catalog then says that the index is invalid, and the words of the step say that the step is about
 * it.
 */
import { mentionedNames } from "../../core/sql/mentions.ts";
import type { InvalidIndex } from "../catalog/indexes.ts";
import type { StepContext } from "./context.ts";
import type { Prepared } from "./prepared.ts";

export interface Mentions {
  /** Receives the text of a step, or a text that its module sends. */
  note(revision: string, text: string): void;
  /** The names of indexes that a step names, in a schema that it works in. Call it with a reset session. */
  found(context: StepContext, invalid: readonly InvalidIndex[]): Promise<ReadonlySet<string>>;
}

const SEARCH_PATH = "search_path";

/** `invalid` are the invalid indexes before the steps. */
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
    // A file that can't be read fails when its turn comes.
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
