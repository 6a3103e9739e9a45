/** Problems of an import as a whole, as messages for people. */
import { ImportFailed, type Problem } from "../errors.ts";
import type { Gone } from "../images/scans.ts";
import { countOf, rowsOf } from "../std/number.ts";
import type { ImportReport } from "./report.ts";
import type { ScanResult } from "./scan.ts";
import type { ImportSettings } from "./settings.ts";

/** `godwit import nas --new-origin` in backticks, or the same in words. */
export function command(
  { command: words, projectFlags = "" }: ImportSettings,
  { name, flag }: { readonly name?: string; readonly flag?: string },
): string {
  if (words === null)
    return name === undefined
      ? `the same command with ${flag}`
      : `\`godwit import ${name} --from …${projectFlags}\``;
  const [godwit = "", verb = "", own = "", ...rest] = words;
  const more = flag === undefined ? "" : ` ${flag}`;
  return `\`${[godwit, verb, name ?? own, ...rest].join(" ")}${projectFlags}${more}\``;
}

/** What a scan has seen that a person should know. It does not stop the import. */
export function warningsOf(result: ScanResult, settings: ImportSettings): readonly Problem[] {
  const { outside, counts, unreadable, loops, links, nowhere } = result;
  const { description } = settings;
  return [
    ...(links.length === 0 ? [] : [linksOutside(settings, links)]),
    ...(nowhere.length === 0 ? [] : [linksNowhere(settings, nowhere)]),
    ...(counts.outside === 0
      ? []
      : [
          {
            code: "IMPORT_OUTSIDE_PATTERN" as const,
            message: `${counts.outside} ${counts.outside === 1 ? "file does" : "files do"} not lie where the pattern says and ${counts.outside === 1 ? "is" : "are"} left out, for example ${outside[0]}.`,
            hint: "Move them, or change the pattern of the import.",
          },
        ]),
    ...unreadable.slice(0, 10).map((each) => ({
      code: "ORIGIN_FOLDER_UNREADABLE" as const,
      message: each.message,
      hint: "What was imported from it before stays as it is.",
    })),
    ...loops.slice(0, 10).map((path) => ({
      code: "ORIGIN_FOLDER_UNREADABLE" as const,
      message: `Link ${path} leads to a folder of ${description} that is read anyway, and is not followed.`,
    })),
  ];
}

export function coloursUnknown(settings: ImportSettings, files: number): Problem {
  return {
    code: "IMPORT_COLOURS_UNKNOWN",
    message: `The colours of ${files} stored images of import ${settings.name} are not known: an earlier release read them.`,
    hint: `They are compared by shape alone, and \`godwit duplicates\` says so. To read them once more: ${command(settings, { flag: "--colours" })}.`,
    details: { files },
  };
}

export function filesGone(
  settings: ImportSettings,
  { known, gone, examples }: Gone,
  result: ScanResult,
): ImportFailed {
  const { name, description } = settings;
  const { counts, outside, links } = result;
  const elsewhere = [
    ...(counts.outside === 0
      ? []
      : [
          `${countOf(counts.outside, "file")} ${counts.outside === 1 ? "lies" : "lie"} elsewhere than ${settings.pattern} says, for example ${outside[0]}`,
        ]),
    ...(links.length === 0
      ? []
      : [`${countOf(links.length, "link")} ${links.length === 1 ? "leads" : "lead"} out of it`]),
  ];
  return new ImportFailed({
    code: "IMPORT_FILES_GONE",
    message: `${gone} of ${known} images of import ${name} are no longer in ${description} (${examples.join(", ")}${gone > examples.length ? ", …" : ""})${elsewhere.length === 0 ? "" : `; ${elsewhere.join(", and ")}`}. Nothing was imported, and nothing marked as missing.`,
    hint: `Is the share mounted, and are folder and pattern right? If they were removed on purpose: ${command(settings, { flag: "--allow-missing" })}.`,
    details: { import: name, known, gone, examples },
  });
}

/** More links than this are in `details` only. */
const LINKS_NAMED = 10;
const LINKS_LISTED = 200;

/** A link may lead to any file of the machine that this process may read. */
function linksOutside(settings: ImportSettings, links: ScanResult["links"]): Problem {
  const named = links.slice(0, LINKS_NAMED).map(({ path, to }) => `${path} → ${to}`);
  const more = links.length > named.length ? ", …" : "";
  const one = links.length === 1;
  return {
    code: "IMPORT_LINKS_OUTSIDE",
    message: `${links.length} ${one ? "link leads" : "links lead"} out of ${settings.description} and ${one ? "is" : "are"} not followed: ${named.join(", ")}${more}.`,
    hint: `What was imported from there before stays as it is. To follow them: ${command(settings, { flag: "--follow-links" })}. To leave them out without a warning, name them in exclude.`,
    details: { import: settings.name, links: links.slice(0, LINKS_LISTED) },
  };
}

function linksNowhere(settings: ImportSettings, paths: ScanResult["nowhere"]): Problem {
  const named = paths.slice(0, LINKS_NAMED).join(", ");
  const one = paths.length === 1;
  return {
    code: "IMPORT_LINKS_NOWHERE",
    message: `${paths.length} ${one ? "link" : "links"} in ${settings.description} ${one ? "leads" : "lead"} nowhere: ${named}${paths.length > LINKS_NAMED ? ", …" : ""}.`,
    hint: "What was imported through them before stays as it is. Is what they lead to mounted? Links that are left over can be deleted, or named in exclude.",
    details: { import: settings.name, links: paths.slice(0, LINKS_LISTED) },
  };
}

export function nothingFound(settings: ImportSettings, { counts, outside, links }: ScanResult): ImportFailed {
  const { name, description, pattern } = settings;
  if (links.length > 0 && counts.outside === 0) {
    const { hint, ...problem } = linksOutside(settings, links);
    const follow = command(settings, { flag: "--follow-links" });
    return new ImportFailed({
      ...problem,
      code: "IMPORT_LINKS_OUTSIDE",
      message: `${problem.message} There is nothing else to import.`,
      hint: `To follow them: ${follow}.`,
    });
  }
  const found = counts.outside + counts.ignored;
  const example = outside[0] === undefined ? "" : `, for example ${outside[0]}`;
  return new ImportFailed({
    code: "ORIGIN_BASE_EMPTY",
    message:
      counts.outside > 0
        ? `No file of ${description} lies where ${pattern} says; ${counts.outside} lie elsewhere${example}.`
        : `There is no file in ${description}${found > 0 ? ` but ${found} that are left out` : ""}: nothing was imported, and nothing marked as missing.`,
    hint: `Is the folder right, and is the share mounted? Its files belong at ${pattern} (imports.${name}.pattern).`,
  });
}

export function rowsVanish(table: string, count: number): ImportFailed {
  return new ImportFailed({
    code: "IMPORT_INCOMPLETE",
    message: `${rowsOf(count)} that ${count === 1 ? "was" : "were"} written to ${table} ${count === 1 ? "is" : "are"} not there.`,
    hint: "A trigger or a rule of the table takes them away, or row-level security hides them from this role.",
  });
}

/** Files or folders of the origin could not be read, so not every file has its row. */
export function incomplete(
  name: string,
  files: ImportReport["files"],
  unreadable: ScanResult["unreadable"],
): ImportFailed {
  const failed = files.failed ?? 0;
  const pending = files.pending ?? 0;
  const what = [
    ...(failed === 0 ? [] : [`${failed} ${failed === 1 ? "file" : "files"} could not be read`]),
    ...(unreadable.length === 0 ? [] : [`${foldersOf(unreadable)} could not be read`]),
    ...(pending === 0 ? [] : [`${pending} files were left`]),
  ];
  return new ImportFailed({
    code: "IMPORT_INCOMPLETE",
    message: `Import ${name} is not complete: ${what.join(", ")}. Everything else is stored.`,
    hint: "Give this user the right to read them, or leave them out with exclude; then run again: only what is left is read.",
    details: { unreadable, files },
  });
}

/** `2 folders (a, b)` */
function foldersOf(unreadable: ScanResult["unreadable"]): string {
  const names = unreadable.slice(0, 3).map(({ path }) => path);
  const more = unreadable.length > names.length ? ", …" : "";
  return `${unreadable.length} ${unreadable.length === 1 ? "folder" : "folders"} (${names.join(", ")}${more})`;
}
