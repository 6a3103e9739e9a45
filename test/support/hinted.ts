/**
 * Finds every command of ours that a text in the sources names. The key of such a hint is its file, the function around
 * it and its words; `…` stands for what is filled in.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAst } from "vitest/node";
import { root } from "../../scripts/fresh.mjs";

export interface Hinted {
  /** For example `core/renamed.ts problemOf: godwit repair --forget …`. */
  readonly key: string;
  readonly file: string;
  readonly command: string;
}

type Node = Readonly<Record<string, unknown>> & { readonly type: string };

const SOURCES = join(root, "src");
const NO_HINTS = /\.test\.ts$|^cli\/(?:commands\.ts|kits\/)/;

/** `words`: the commands that there are. Help and the files for a deployment are no hints. */
export function hintedCommands(words: readonly string[]): readonly Hinted[] {
  const all = sources().flatMap((file) => inFile(file, words));
  return [...new Map(all.map((one) => [one.key, one])).values()];
}

function sources(): readonly string[] {
  return readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !NO_HINTS.test(file))
    .toSorted();
}

function inFile(file: string, words: readonly string[]): readonly Hinted[] {
  return textsOf(file).flatMap(({ within, said }) =>
    [...said.replace(FILLED_IN_SQL, "…").matchAll(/`(godwit ([a-z]+|…)[^`]*)`/g)]
      .filter(([, , word]) => word === "…" || words.includes(word ?? ""))
      .map(([, command = ""]) => ({ key: `${file} ${within}: ${command}`, file, command })),
  );
}

/** A text of a script for psql is put together there. */
const FILLED_IN_SQL = /' \|\| [^']+? \|\| '/g;

function textsOf(file: string): readonly { within: string; said: string }[] {
  const text = readFileSync(join(SOURCES, file), "utf8");
  return text.includes("godwit ") ? textsIn(parseAst(text, { lang: "ts" }) as unknown as Node, "") : [];
}

/** What a text of the sources says of a command without backticks. It may be the subject of a sentence, or a name as a whole. */
export function bareCommands(words: readonly string[]): readonly string[] {
  const named = new RegExp(`(?<!→ )godwit (?:${words.join("|")})(?![\\w-])[^.:;]{0,40}`, "g");
  return sources().flatMap((file) =>
    textsOf(file).flatMap(({ within, said }) =>
      [...said.replace(/`[^`]*`/g, "").matchAll(named)]
        .filter(([bare]) => bare !== said && !SUBJECT.test(bare))
        .map(([bare]) => `${file} ${within}: ${bare}`),
    ),
  );
}

const SUBJECT = /^godwit [a-z]+(?:(?: --[a-z]+)?,? (?:is|has|needs|does|which) | %)/;

/** All texts below a node, each with the name of what is around it. */
function textsIn(node: Node, within: string): readonly { within: string; said: string }[] {
  if (node.type === "TemplateLiteral") {
    const quasis = node.quasis as readonly { value: { cooked: string } }[];
    const said = quasis.map(({ value }) => value.cooked).join("…");
    return [{ within, said }, ...childrenOf(node).flatMap((child) => textsIn(child, within))];
  }
  if (node.type === "Literal") return typeof node.value === "string" ? [{ within, said: node.value }] : [];
  const named = /^(?:Function|Method|Class)|^(?:VariableDeclarator|Property)$/.test(node.type)
    ? nameOf((node.id ?? node.key) as Node | null)
    : null;
  const inside = within === "" || node.type.startsWith("Function") ? (named ?? within) : within;
  return childrenOf(node).flatMap((child) => textsIn(child, inside));
}

function nameOf(node: Node | null | undefined): string | null {
  return typeof node?.name === "string" ? node.name : null;
}

function childrenOf(node: Node): readonly Node[] {
  return Object.values(node)
    .flat()
    .filter((value): value is Node => typeof (value as Node | null)?.type === "string");
}
