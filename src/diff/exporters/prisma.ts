/** Prisma: `prisma migrate diff` from nothing to a file or folder of models. */
import { relative, resolve } from "node:path";
import { type Exporter, notInstalled } from "./exporter.ts";
import { installed, projectOf } from "./installed.ts";

export const prisma: Exporter = {
  name: "prisma",
  history: "_prisma_migrations",
  command(subject, { root }) {
    const path = resolve(root, subject);
    const folder = projectOf(path, root);
    const tool = installed("prisma", folder);
    if (tool === null) throw notInstalled("prisma", folder);
    // Prisma 7 has renamed the option.
    const option = tool.major >= 7 ? "--to-schema" : "--to-schema-datamodel";
    const words = ["migrate", "diff", "--from-empty", option, relative(folder, path), "--script"];
    return {
      words: [process.execPath, tool.program, ...words],
      folder,
      hint: `See what \`npx prisma ${words.join(" ")}\` says in ${folder}.`,
    };
  },
  words: (lines) => lines,
};
