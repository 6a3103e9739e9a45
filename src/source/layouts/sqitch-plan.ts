/**
 * Sqitch's plan: pragmas, an empty line, then changes and tags in order. A change's id is a SHA-1 over its text in the
 * plan and the id of the change before it. An edited plan therefore has other ids from the edited change on.
 */
import { createHash } from "node:crypto";
import type { Problem } from "../../errors.ts";
import { placeOf } from "../place.ts";

export interface Plan {
  readonly project: string;
  readonly changes: readonly Change[];
  readonly problems: readonly Problem[];
}

export interface Change {
  readonly name: string;
  /** 1 for the first instance, and one more for each rework. */
  readonly instance: number;
  readonly id: string;
  readonly note: string;
  /** The time as the plan writes it: UTC, with `Z`. */
  readonly plannedAt: string;
  readonly plannerName: string;
  readonly plannerEmail: string;
  /** If a change was reworked later: the tags that its scripts may be named after, the likeliest first. */
  readonly reworkTags: readonly string[];
}

const PUNCTUATION = String.raw`[\-!"#$%&'()*+,./:;<=>?@[\\\]^\x60{|}~]`;
const NAME = String.raw`(?!${PUNCTUATION})(?:(?![~/=%^]\d+(?:$|[ \t]))[^ \t:@#\\])+(?<=[\p{L}\p{M}\p{N}_])`;
const LINE = new RegExp(
  String.raw`^[ \t]*(?:(@)|([+-])[ \t]*)?(${NAME})(?:[ \t]+|$)(?:\[([^\]]+)\][ \t]*)?(?:(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)[ \t]*)?(?:([^<]+?)[ \t]+<([^>]+)>)?$`,
  "u",
);
const PRAGMA = /^[ \t]*%[ \t]*([^\s=]+)[ \t]*(?:=[ \t]*(.+))?$/;
const DEPENDENCY = new RegExp(`^(!?)(?:(${NAME}):)?(?:([0-9a-f]{40})|(${NAME})?(?:@(${NAME}))?)$`, "u");

interface Draft {
  readonly name: string;
  readonly instance: number;
  readonly id: string;
  readonly note: string;
  readonly plannedAt: string;
  readonly plannerName: string;
  readonly plannerEmail: string;
  readonly tags: string[];
  reworkTags: readonly string[];
}

/** Never throws. `null` if the plan does not even name its project. */
export function parsePlan(text: string, file: string): Plan | null {
  const problems: Problem[] = [];
  const lines = text.split("\n");
  const head = lines.findIndex((line) => /^[ \t]*$/.test(line));
  const pragmas = new Map<string, string>();
  for (const line of head === -1 ? lines : lines.slice(0, head)) {
    const [, name = "", value = "1"] = PRAGMA.exec(withoutNote(line).line) ?? [];
    if (name !== "") pragmas.set(name, value);
  }
  const project = pragmas.get("project");
  if (project === undefined) return null;
  const uri = canonicalUri(pragmas.get("uri"));
  const changes: Draft[] = [];
  /** The names of changes and `@tag`s that dependencies may refer to. */
  const seen = new Set<string>();
  const sinceTag = new Set<string>();

  for (let at = head === -1 ? lines.length : head + 1; at < lines.length; at++) {
    const { line, note } = withoutNote(lines[at] ?? "");
    if (line === "") continue;
    const problem = (says: string, hint = `Correct the line, or restore ${file} from version control.`) =>
      problems.push({
        code: "SOURCE_PARSE",
        message: `${file}: ${says}.`,
        hint,
        place: placeOf(file, text, { line: at + 1, column: 1 }),
      });
    const [whole, isTag, operator, name = "", dependencies = "", plannedAt, plannerName, plannerEmail] =
      LINE.exec(line) ?? [];
    if (whole === undefined) problem("this is neither a change nor a tag");
    else if (plannedAt === undefined || plannerName === undefined || plannerEmail === undefined)
      problem(`${name} has no time or no planner`);
    else if (/^(?:ROOT|HEAD)$|^[0-9a-f]{40}/.test(name)) problem(`${name} is no name for a change or a tag`);
    else if (operator === "-") problem(`-${name} takes a change back, which Sqitch never came to do`);
    else if (isTag !== undefined) {
      if (changes.length === 0) problem(`the tag @${name} stands before all changes`);
      else if (seen.has(`@${name}`)) problem(`the tag @${name} is there twice`);
      changes.at(-1)?.tags.push(name);
      seen.add(`@${name}`);
      sinceTag.clear();
    } else {
      if (sinceTag.has(name))
        problem(
          `the change ${name} is there twice`,
          "A change can be reworked only after a tag: `sqitch tag`, then `sqitch rework`.",
        );
      const { requires, conflicts, unknown, conflicting } = readDependencies(dependencies, { project, seen });
      for (const other of conflicting)
        problem(`${name} conflicts with ${other}, which is before it in the plan`);
      for (const other of unknown)
        problem(
          `${name} requires ${other}, which is not before it in the plan`,
          `Move ${name} behind ${other}.`,
        );
      const info = [
        `project ${project}`,
        ...(uri === undefined ? [] : [`uri ${uri}`]),
        `change ${name}`,
        ...(changes.length === 0 ? [] : [`parent ${changes.at(-1)?.id}`]),
        `planner ${plannerName} <${plannerEmail}>`,
        `date ${plannedAt}`,
        ...(requires.length === 0 ? [] : ["requires", ...requires.map((other) => `  + ${other}`)]),
        ...(conflicts.length === 0 ? [] : ["conflicts", ...conflicts.map((other) => `  - ${other}`)]),
        ...(note === "" ? [] : ["", note]),
      ];
      const before = changes.findLastIndex((other) => other.name === name);
      const earlier = changes[before];
      if (earlier !== undefined)
        earlier.reworkTags = [...changes.slice(before + 1).reverse(), earlier].flatMap(({ tags }) => tags);
      changes.push({
        ...{ name, note, plannedAt, plannerName, plannerEmail },
        ...{ instance: (earlier?.instance ?? 0) + 1, id: objectId("change", info.join("\n")) },
        ...{ tags: [], reworkTags: [] },
      });
      seen.add(name);
      sinceTag.add(name);
    }
  }
  return { project, changes, problems };
}

/** Computed as git computes the names of its objects. */
function objectId(kind: "change" | "tag", info: string): string {
  const bytes = Buffer.from(info, "utf8");
  return createHash("sha1").update(`${kind} ${bytes.length}\0`).update(bytes).digest("hex");
}

function withoutNote(line: string): { line: string; note: string } {
  const hash = line.indexOf("#");
  const [before, note] = hash === -1 ? [line, ""] : [line.slice(0, hash), line.slice(hash + 1)];
  const escapes: Readonly<Record<string, string>> = { "\\n": "\n", "\\r": "\r", "\\\\": "\\" };
  return {
    line: before.trimEnd(),
    note: note.trim().replace(/\\[\\nr]/g, (written) => escapes[written] ?? ""),
  };
}

function readDependencies(
  text: string,
  { project, seen }: { project: string; seen: ReadonlySet<string> },
): Record<"requires" | "conflicts" | "unknown" | "conflicting", readonly string[]> {
  const requires: string[] = [];
  const conflicts: string[] = [];
  const unknown: string[] = [];
  const conflicting: string[] = [];
  for (const written of text.split(/[ \t]+/).filter((each) => each !== "")) {
    const [whole, conflict, other, id, change, tag] = DEPENDENCY.exec(written) ?? [];
    if (whole === undefined) {
      unknown.push(written);
      continue;
    }
    const key = id ?? `${change ?? ""}${tag === undefined ? "" : `@${tag}`}`;
    const foreign = other !== undefined && other !== project;
    (conflict === "!" ? conflicts : requires).push(foreign ? `${other}:${key}` : key);
    // Only the registry of another project knows its changes.
    if (foreign || id !== undefined) continue;
    const isThere = (change === undefined || seen.has(change)) && (tag === undefined || seen.has(`@${tag}`));
    if (conflict !== "!" && !isThere) unknown.push(written);
    if (conflict === "!" && isThere) conflicting.push(written.slice(1));
  }
  return { requires, conflicts, unknown, conflicting };
}

/** Web addresses get a host in lower case, and a path. Others stay as written. */
function canonicalUri(uri: string | undefined): string | undefined {
  return uri !== undefined && /^https?:/i.test(uri) && URL.canParse(uri) ? new URL(uri).href : uri;
}
