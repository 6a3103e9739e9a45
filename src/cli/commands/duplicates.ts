/** `godwit duplicates` */
import { resolve } from "node:path";
import { assembleImports, chooseImports } from "../../assemble/imports.ts";
import type { Decided, Decision } from "../../duplicates/decide.ts";
import type { GroupKind } from "../../duplicates/duplicates.ts";
import { formatGroups } from "../../duplicates/text.ts";
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
    return withSession(invocation, async ({ target, context }) => {
      const decided = await decideDuplicates(target, decision, context);
      return { json: { decision: decided }, text: sentence(decided), result: false };
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
  if (wantsSheet) return sheetTo(resolve(sheet), { ...options, imports }, invocation);
  return withSession(invocation, async ({ target, context }) => {
    const listed = await listDuplicates(target, options, context);
    const { paint } = terminal;
    const text = formatGroups(listed.duplicates, {
      strong: (words) => paint("bold", words),
      good: (words) => paint("green", words),
      dim: (words) => paint("dim", words),
      sheet: sheetCommand(listed, { imports: imports.map((each) => each.name), from: flags.from, name }),
    });
    return { json: { ...listed.duplicates }, text, result: true };
  });
}

/** Whole or not at all: somebody may be looking at the old one. */
function sheetTo(
  path: string,
  options: Parameters<typeof contactSheet>[1],
  invocation: Invocation,
): Promise<Answer> {
  return withSession(invocation, async ({ target, context }) => {
    const { duplicates, html, unknown } = await contactSheet(target, options, context);
    writeOver(path, html);
    for (const name of unknown)
      invocation.say(
        `The pictures of ${name} are not on the sheet: no import of that name is configured. Name their origin: \`godwit duplicates ${name} --html --from <origin>\``,
        { loud: true },
      );
    return { json: { ...duplicates, sheet: path }, text: `Contact sheet: ${path}`, result: true };
  });
}

/** The command that makes a sheet with pictures. For an import that is not configured it says where the files are. */
function sheetCommand(
  { from }: Listed,
  given: { readonly imports: readonly string[]; readonly from: unknown; readonly name: string | undefined },
): string {
  if (typeof given.from === "string") {
    const name = given.name === undefined ? "" : `${shellWord(given.name)} `;
    return `\`godwit duplicates ${name}--html duplicates.html --from ${shellWord(given.from)}\``;
  }
  if (from === null || given.imports.includes(from.import))
    return "`godwit duplicates --html duplicates.html`";
  const origin = from.origin === null ? "<origin>" : shellWord(from.origin);
  return `\`godwit duplicates ${shellWord(from.import)} --html duplicates.html --from ${origin}\``;
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

function sentence({ kind, files, changed, unsure = [] }: Decided): string {
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
  return `${said}\nLeft open, because their colours are not known to be the same: ${ids}. If they are copies: \`godwit duplicates --keep ${files[0]?.id} ${ids}\``;
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
