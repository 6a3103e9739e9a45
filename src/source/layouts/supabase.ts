/**
 * Supabase CLI: `supabase/migrations/<digits>_<name>.sql`, in the order of the directory listing (bytes of the name).
 * Files with other names are ignored. So is a leading `…_init.sql` from before December 2021, which old versions wrote
 * for their own schemas. There is no way back.
 *
 * A first line `-- pg-delta: transaction=false` means that the statements run one after the other.
 */
import { dirname, join } from "node:path";
import { type Problem, SourceError } from "../../errors.ts";
import { isThere, readFolder } from "../folder.ts";
import { layoutRefused } from "../problems.ts";
import { readText } from "../text.ts";
import { type Layout, wholeFile } from "./layout.ts";
import { byBytes, refuseShared, type Versioned } from "./versions.ts";

export const supabase: Layout = {
  name: "supabase",
  discover(folder) {
    const found = readFolder(folder).sort((left, right) => byBytes(left.name, right.name));
    const files = found
      .filter((entry, index) => !entry.isDirectory() && !(index === 0 && isOldInit(entry.name)))
      .map((entry) => entry.name);
    const entries = files.flatMap((file) => entryOf(file) ?? []);
    if (entries.length === 0)
      throw new SourceError([
        layoutRefused("supabase", {
          folder,
          why: "there is no file named <digits>_<name>.sql in it",
          hint: "Name the folder supabase/migrations with --dir; or create one with `supabase migration new`.",
        }),
      ]);
    return { entries: refuseShared(entries), problems: switchedOff(folder) };
  },
};

/** `[db.migrations] enabled = false`: the tool runs no migration. */
function switchedOff(folder: string): readonly Problem[] {
  const config = join(dirname(folder), "config.toml");
  if (!isThere(config)) return [];
  const [, section = ""] =
    /^[ \t]*\[db\.migrations\][^\n]*\n((?:(?![ \t]*\[)[^\n]*(?:\n|$))*)/m.exec(
      readText(config, "config.toml"),
    ) ?? [];
  if (!/^[ \t]*enabled[ \t]*=[ \t]*false\b/m.test(section)) return [];
  return [
    layoutRefused("supabase", {
      folder: "config.toml",
      why: "it says that migrations are not enabled ([db.migrations] enabled = false)",
      hint: "Take the line out where they are to be run.",
    }),
  ];
}

const NO_TRANSACTION = /^-- pg-delta: transaction=false(?:\n|$)/;

function entryOf(file: string): Versioned | null {
  const [, version, name] = /^(\d+)_(.*)\.sql$/.exec(file) ?? [];
  if (version === undefined || name === undefined) return null;
  return {
    id: file.slice(0, -4),
    file,
    version,
    read: (text) => ({
      up: wholeFile(text, NO_TRANSACTION.test(text.text) ? false : undefined),
      tool: { version, checksums: [], columns: { name } },
    }),
  };
}

function isOldInit(name: string): boolean {
  const digits = /([0-9]{14})_init\.sql/.exec(name)?.[1];
  return digits !== undefined && digits < "20211209000000";
}
