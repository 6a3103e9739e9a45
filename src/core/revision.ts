/**
 * Revision expressions: `head`, `heads`, `base`, an id or a unique prefix of one, `+2`, `-1`, and steps from a revision
 * such as `head-1` or `0007+2`. Ids may contain `-` and `+`, so a name that exists takes precedence.
 */
import { ConfigError } from "../errors.ts";
import { nearest } from "../std/nearest.ts";
import type { Graph } from "./graph.ts";
import { versioned } from "./heads.ts";
import type { History } from "./history.ts";
import type { Direction } from "./migration.ts";
import { compareText } from "./order.ts";

export type Expression =
  /** `head` is the single head, `heads` are all of them. */
  | { readonly kind: "head" | "heads" | "base" }
  /** Steps from where the database is: up with `+`, down with `-`. */
  | { readonly kind: "steps"; readonly count: number }
  /** A point `offset` steps above (or below) a revision or the head. */
  | { readonly kind: "revision"; readonly from: string | "head"; readonly offset: number };

/** What an expression may name: migrations of the files and revisions of the ledger, without repeatables. */
export interface Names {
  readonly graph: Graph;
  readonly history: History;
  readonly direction: Direction;
}

/** Throws `ConfigError` (`REVISION_UNKNOWN`, `REVISION_AMBIGUOUS`). The error says what would be accepted. */
export function parseExpression(text: string, names: Names): Expression {
  const expression = parse(text, names);
  const { direction } = names;
  if (direction === "up" && expression.kind === "base") {
    throw unknown(
      `"base" is where \`godwit down\` leads, not \`godwit up\`.`,
      "Take everything back with `godwit down base`.",
    );
  }
  if (direction === "down" && expression.kind === "heads") {
    throw unknown(`"heads" is where \`godwit up\` leads, not \`godwit down\`.`, DOWN_HINT);
  }
  if (expression.kind === "steps" && expression.count > 0 !== (direction === "up")) {
    const other = direction === "up" ? "down" : "up";
    throw unknown(
      `\`godwit ${direction} ${text}\` points the wrong way.`,
      `Use \`godwit ${other} ${text}\`.`,
    );
  }
  return expression;
}

/** The id that an expression leads to. Throws `ConfigError` if the path forks or ends too early. */
export function walk(expression: Expression & { kind: "revision" }, graph: Graph): string {
  const start = expression.from === "head" ? (graph.heads[0] ?? "head") : expression.from;
  const up = expression.offset > 0;
  const next = up ? childrenOf(graph) : graph.parents;
  let here = start;
  for (let done = 0; done < Math.abs(expression.offset); done++) {
    const ways = next(here);
    const [way] = ways;
    if (way === undefined) {
      const side = up ? "above" : "below";
      throw unknown(
        `Only ${done} of ${Math.abs(expression.offset)} revisions are ${side} ${start}.`,
        up ? "Use `godwit up` to apply everything." : "Use `godwit down base` to take everything back.",
      );
    }
    if (ways.length > 1) throw ambiguous(`${ways.length} ways lead ${up ? "up" : "down"} from ${here}`, ways);
    here = way;
  }
  return here;
}

/** Finds the one of `ids` that the text names, as an id or a unique prefix of one. Throws `ConfigError`. */
export function resolveRevision(text: string, ids: readonly string[]): string {
  const [first, ...others] = matching(text, ids);
  if (others.length > 0)
    throw ambiguous(`"${text}" can mean ${others.length + 1} revisions`, [first ?? "", ...others]);
  if (first !== undefined && text !== "") return first;
  const meant = nearest(text, ids);
  throw unknown(
    `There is no revision "${text}", neither among the files nor in the ledger.`,
    `${meant === undefined ? "" : `Did you mean ${meant}? `}\`godwit history\` lists them all.`,
  );
}

const DOWN_HINT = "Say how far: `godwit down -1`, `godwit down <revision>` (it stays) or `godwit down base`.";

function parse(text: string, names: Names): Expression {
  if (text === "") {
    throw unknown(
      `\`godwit ${names.direction}\` was given an empty revision.`,
      names.direction === "down" ? DOWN_HINT : "Use `godwit up` to apply everything.",
    );
  }
  if (text === "head" || text === "heads" || text === "base") return { kind: text };
  if (/^[+-]\d+$/.test(text)) {
    const count = Number(text);
    if (count === 0) throw unknown(`"${text}" goes nowhere.`, "Use a number from 1.");
    return { kind: "steps", count };
  }

  const ids = idsOf(names);
  if (ids.includes(text)) return { kind: "revision", from: text, offset: 0 };
  const [, stem, offset] = /^(.+)([+-]\d+)$/.exec(text) ?? [];
  const bases = stem === undefined ? [] : stem === "head" ? ["head"] : matching(stem, ids);
  const named = ids.filter((id) => id.startsWith(text));
  const both = [...named, ...bases.map((id) => `${id}${offset}`)];
  if (both.length > 1) throw ambiguous(`"${text}" can mean ${both.length} revisions`, both);
  const [from] = named.length > 0 ? named : bases;
  if (from === undefined) throw unknownName(text, names, ids);
  return { kind: "revision", from, offset: named.length > 0 ? 0 : Number(offset) };
}

function idsOf({ graph, history }: Names): readonly string[] {
  const files = graph.order.filter((migration) => migration.kind !== "repeatable").map(({ id }) => id);
  const repeatable = (id: string) => graph.byId.get(id)?.kind === "repeatable";
  const ledger = versioned(history).map((entry) => entry.revision);
  return [...new Set([...files, ...ledger.filter((id) => !repeatable(id))])].sort(compareText);
}

function matching(name: string, ids: readonly string[]): readonly string[] {
  return ids.includes(name) ? [name] : ids.filter((id) => id.startsWith(name));
}

function childrenOf(graph: Graph): (id: string) => readonly string[] {
  const children = new Map<string, string[]>();
  for (const { id } of graph.order) {
    for (const parent of graph.parents(id)) children.set(parent, [...(children.get(parent) ?? []), id]);
  }
  return (id) => children.get(id) ?? [];
}

function unknownName(text: string, { graph, direction }: Names, ids: readonly string[]): ConfigError {
  if (graph.byId.get(text)?.kind === "repeatable") {
    return unknown(
      `${text} is a repeatable migration and has no place in the order.`,
      "It runs with `godwit up`.",
    );
  }
  if (/^[1-9]\d{0,2}$/.test(text)) {
    return unknown(
      `There is no revision "${text}", neither among the files nor in the ledger.`,
      direction === "up"
        ? `If you mean a number of migrations, \`godwit up +${text}\` applies the next ${text}.`
        : `If you mean a number of migrations, \`godwit down -${text}\` reverts the last ${text}.`,
    );
  }
  const meant = nearest(text, [...ids, "head", "heads", "base"]);
  return unknown(
    `There is no revision "${text}", neither among the files nor in the ledger.`,
    `${meant === undefined ? "" : `Did you mean ${meant}? `}\`godwit history\` lists them all.`,
  );
}

function unknown(message: string, hint: string): ConfigError {
  return new ConfigError({ code: "REVISION_UNKNOWN", message, hint });
}

function ambiguous(what: string, candidates: readonly string[]): ConfigError {
  return new ConfigError({
    code: "REVISION_AMBIGUOUS",
    message: `${what}: ${candidates.slice(0, 10).join(", ")}${candidates.length > 10 ? ", …" : ""}.`,
    hint: "Write one of them out; `godwit history` lists them all.",
    details: { candidates },
  });
}
