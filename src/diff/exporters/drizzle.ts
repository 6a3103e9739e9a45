/** Drizzle: `drizzle-kit export`, of a configuration of drizzle-kit, or of a file or folder of schemas. */
import { basename, relative, resolve } from "node:path";
import { type Exporter, notInstalled } from "./exporter.ts";
import { installed, projectOf } from "./installed.ts";

export const drizzle: Exporter = {
  name: "drizzle-kit",
  history: "drizzle.__drizzle_migrations",
  command(subject, { root }) {
    const path = resolve(root, subject);
    const folder = projectOf(path, root);
    const tool = installed("drizzle-kit", folder);
    if (tool === null) throw notInstalled("drizzle-kit", folder);
    const file = relative(folder, path);
    const what = /^drizzle.*\.config\./.test(basename(path))
      ? ["--config", file]
      : ["--dialect", "postgresql", "--schema", file];
    return {
      words: [process.execPath, tool.program, "export", ...what],
      folder,
      hint: `See what \`npx drizzle-kit export ${what.join(" ")}\` says in ${folder}.`,
    };
  },
  words: (lines) => {
    const stack = lines.findIndex((line) => /^\s+at /.test(line));
    return stack === -1 ? lines : lines.slice(0, stack);
  },
};
