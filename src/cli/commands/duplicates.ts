/** `godwit duplicates` */
import { resolve } from "node:path";
import { assembleImports, chooseImports } from "../../assemble/imports.ts";
import type { Decided, Decision } from "../../duplicates/decide.ts";
import type { GroupKind } from "../../duplicates/duplicates.ts";
import { type Commands, formatGroups } from "../../duplicates/text.ts";
import { targetFlag } from "../../duplicates/words.ts";
import { ConfigError } from "../../errors.ts";
import { contactSheet, decideDuplicates, type Listed, listDuplicates } from "../../run/duplicates.ts";
import { shellWord } from "../../std/shell-word.ts";
import type { Answer, Invocation } from "../command.ts";
import { writeOver } from "../files.ts";
import { withSession } from "../session.ts";
import { withOrigin } from "./import.ts";

const KINDS = ["exact", "same", "review"] as const;

export async function run(invocation: Invocation): Promise<Answer> {
  const decision = decisionOf(invocation);
  if (decision !== null)
    return withSession(invocation, async ({ target, context, config }) => {
      const decided = await decideDuplicates(target, decision, context);
      return { json: { decision: decided }, text: sentence(decided, config.target?.name), result: false };
    });
  const { flags, terminal } = invocation;
  const sheet = flags.html === true ? "duplicates.html" : flags.html;
  const wantsSheet = typeof sheet === "string";
  const config = await withOrigin(await invocation.config(), invocation, { takesHostKey: false });
  const imports = await assembleImports(config);
  const [name] = invocation.arguments;
  if (name !== undefined && flags.from === undefined) chooseImports(imports, name);
  const options = {
    limit: numberOf(flags.limit, { flag: "--limit", least: 1 }),
    offset: numberOf(flags.offset, { flag: "--offset", least: 0 }) ?? 0,
    kinds: kindsOf(flags.kind),
    settled: flags.all === true,
  };
  if (wantsSheet)
    return sheetTo(resolve(sheet), { ...options, imports, targetName: config.target?.name }, invocation);
  return withSession(invocation, async ({ target, context }) => {
    const listed = await listDuplicates(target, options, context);
    const { paint } = terminal;
    const known = imports.map((each) => each.name);
    const text = formatGroups(
      listed.duplicates,
      commandsOf(listed, invocation, { imports: known, target: config.target?.name }),
      {
        strong: (words) => paint("bold", words),
        good: (words) => paint("green", words),
        dim: (words) => paint("dim", words),
      },
    );
    return { json: { ...listed.duplicates }, text, result: true };
  });
}

/** Whole or not at all: somebody may be looking at the old one. */
function sheetTo(
  path: string,
  options: Parameters<typeof contactSheet>[1],
  invocation: Invocation,
): Promise<Answer> {
  const { flags } = invocation;
  return withSession(invocation, async ({ target, context, config }) => {
    const { duplicates, html, unknown } = await contactSheet(target, options, context);
    writeOver(path, html);
    const sheet = typeof flags.html === "string" ? [shellWord(flags.html)] : [];
    const page = pageOf(invocation);
    for (const name of unknown)
      invocation.say(
        `The pictures of ${name} are not on the sheet: no import of that name is configured. Name their origin: \`godwit duplicates ${shellWord(name)} --html${spoken([...sheet, ...page, "--from", "<origin>"])}${targetFlag(config.target?.name)}\``,
        { loud: true },
      );
    return { json: { ...duplicates, sheet: path }, text: `Contact sheet: ${path}`, result: true };
  });
}

/** What to run next. For an import that is not configured, a command says where its files are. */
function commandsOf(
  { duplicates: { page }, first, colourless }: Listed,
  invocation: Invocation,
  { imports, target }: { readonly imports: readonly string[]; readonly target: string | undefined },
): Commands {
  const { flags } = invocation;
  const name = invocation.arguments.slice(0, 1).map(shellWord);
  const given = typeof flags.from === "string" ? ["--from", shellWord(flags.from)] : [];
  const nameOf = (one: Listed["first"]) => (one === null ? [] : [shellWord(one.name)]);
  const fromOf = (one: Listed["first"]) =>
    one === null || imports.includes(one.name)
      ? []
      : ["--from", one.origin === null ? "<origin>" : shellWord(one.origin)];
  const from = given.length > 0 ? given : fromOf(first);
  const own = given.length > 0 ? name : from.length > 0 ? nameOf(first) : [];
  const others = pageOf(invocation, { offset: false });
  const on = targetFlag(target);
  return {
    target,
    sheet: `\`godwit duplicates${spoken(own)} --html duplicates.html${spoken(from)}${on}\``,
    next: `\`godwit duplicates${spoken(name)} --offset ${page.offset + page.limit}${spoken([...others, ...given])}${on}\``,
    again: `\`godwit duplicates${spoken([...name, ...pageOf(invocation), ...given])}${on}\``,
    colours: `\`godwit import${spoken([...nameOf(colourless), ...fromOf(colourless)])} --colours${on}\``,
  };
}

/** The flags that say what is listed, as they were given. */
function pageOf({ flags }: Invocation, { offset = true } = {}): readonly string[] {
  return [
    ...(flags.kind === undefined ? [] : ["--kind", ...wordsOf(flags.kind)]),
    ...(flags.limit === undefined ? [] : ["--limit", String(flags.limit)]),
    ...(offset && flags.offset !== undefined ? ["--offset", String(flags.offset)] : []),
    ...(flags.all === true ? ["--all"] : []),
  ];
}

/** Words behind others. */
function spoken(words: readonly string[]): string {
  return words.map((word) => ` ${word}`).join("");
}

function decisionOf({ flags }: Invocation): Decision | null {
  const given = (["keep", "distinct", "forget"] as const).filter((name) => flags[name] !== undefined);
  const [name, another] = given;
  if (name === undefined) return null;
  if (another !== undefined)
    throw unusable(`--${name} and --${another} are two decisions.`, "Decide one after the other.");
  const files = wordsOf(flags[name]).map(fileOf);
  const [first, ...others] = files;
  if (name !== "keep" || first === undefined) return { kind: name as "distinct" | "forget", files };
  return { kind: "keep", file: first, ...(others.length === 0 ? {} : { others }) };
}

function sentence({ kind, files, changed, unsure = [] }: Decided, target: string | undefined): string {
  const names = files.map((file) => `${file.id} ${file.path}`);
  const what =
    kind === "keep"
      ? `${names[0]} is kept; ${copies(names.length - 1)}.`
      : kind === "distinct"
        ? `Not duplicates: ${names.join(", ")}.`
        : `Forgot the decisions about ${names.join(", ")}.`;
  const said = changed === 0 ? `${what} This was already known.` : what;
  if (unsure.length === 0) return said;
  const ids = unsure.map(({ id }) => id).join(" ");
  return `${said}\nLeft open, because their colours are not known to be the same: ${ids}. If they are copies: \`godwit duplicates --keep ${files[0]?.id} ${ids}${targetFlag(target)}\``;
}

function copies(others: number): string {
  if (others === 0) return "it has no copies";
  return others === 1 ? "1 other is a copy of it" : `${others} others are copies of it`;
}

function wordsOf(value: string | boolean | readonly string[] | undefined): readonly string[] {
  return Array.isArray(value) ? value : [String(value)];
}

function fileOf(word: string): number | string {
  return /^\d{1,15}$/.test(word) ? Number(word) : word;
}

function kindsOf(value: string | boolean | readonly string[] | undefined): readonly (GroupKind | "review")[] {
  if (value === undefined) return KINDS;
  return wordsOf(value).map((word) => {
    const kind = KINDS.find((each) => each === word);
    if (kind === undefined) throw unusable(`--kind is not one of ${KINDS.join(", ")}: "${word}".`);
    return kind;
  });
}

function numberOf(
  value: unknown,
  { flag, least }: { readonly flag: string; readonly least: number },
): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string" && /^\d{1,9}$/.test(value) && Number(value) >= least) return Number(value);
  throw unusable(`${flag} is not a whole number${least > 0 ? ` from ${least}` : ""}: "${value}".`);
}

function unusable(message: string, hint?: string): ConfigError {
  return new ConfigError({ code: "CONFIG_INVALID", message, hint, details: { from: "flag" } });
}
