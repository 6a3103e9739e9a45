/** What lies among the migrations and is not run: programs in another language, and SQL that the layout leaves alone. */
import type { Problem } from "../errors.ts";
import { readFolder } from "./folder.ts";
import type { Discovery } from "./layouts/layout.ts";
import type { Source } from "./source.ts";

const PROGRAM = /^[VRvr]?\d[^/]*\.(?:py|rb|go|php|java|kt|cs|exs?|rs|pl)$/;
/** So many are named. */
const NAMED = 5;

/** The same source, whose listing says which programs it passes over. */
export function sayingPassedOver(source: Source): Source {
  const { apart } = source;
  return {
    ...source,
    list: async () => {
      const listing = await source.list();
      return { ...listing, notes: [...programsIn(source.folder), ...(listing.notes ?? [])] };
    },
    ...(apart === undefined ? {} : { apart: () => sayingPassedOver(apart.call(source)) }),
  };
}

function programsIn(folder: string): readonly Problem[] {
  const names = readFolder(folder)
    .map(({ name }) => name)
    .filter((name) => PROGRAM.test(name));
  const [them, they] = names.length === 1 ? ["it", "it does"] : ["them", "they do"];
  return note(names, {
    why: "Godwit runs SQL and TypeScript",
    hint: `If the database does not have what ${they}, write ${them} as SQL or TypeScript; otherwise move ${them} out of the folder.`,
  });
}

/** SQL in the folder that its tool does not run, so that we do not run it either. */
export function unlistedSql(
  layout: string,
  folder: string,
  { entries, problems, unlisted }: Discovery,
): readonly Problem[] {
  const known = new Set([
    ...entries.flatMap(({ file, downFile }) => [file, downFile]),
    ...problems.map(({ place }) => place?.file),
  ]);
  const names =
    unlisted?.names ??
    readFolder(folder)
      .filter((entry) => !entry.isDirectory() && /^[^.].*\.sql$/i.test(entry.name) && !known.has(entry.name))
      .map(({ name }) => name);
  const them = names.length === 1 ? "it" : "them";
  const instead = unlisted?.hint ?? `If it is a migration, give it a name as ${layout} reads it.`;
  return note(names, {
    why: `${unlisted?.why ?? `${layout} does not run`} ${them}`,
    hint: `${instead} Otherwise move it out of the folder.`,
  });
}

function note(names: readonly string[], { why, hint }: { why: string; hint: string }): readonly Problem[] {
  const [first] = names;
  if (first === undefined) return [];
  const more = names.length - NAMED;
  const shown = more > 0 ? `${names.slice(0, NAMED).join(", ")} and ${more} more` : names.join(", ");
  return [
    {
      code: "SOURCE_FILE_NAME",
      message: `${shown} ${names.length === 1 ? "is" : "are"} passed over: ${why}.`,
      hint,
      place: { file: first },
    },
  ];
}
