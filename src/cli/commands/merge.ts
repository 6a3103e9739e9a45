/** `godwit merge` */
import { join, relative } from "node:path";
import { headsOf } from "../../core/heads.ts";
import { resolveRevision } from "../../core/revision.ts";
import { ConfigError } from "../../errors.ts";
import type { Answer, Invocation } from "../command.ts";
import { languageOf, nextNumber, slugOf, writeMigration } from "./create.ts";
import { listing } from "./new.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const config = await invocation.config();
  const migrations = await listing(config, invocation);
  const ids = migrations.map((migration) => migration.id);
  const named = invocation.arguments.map((word) => resolveRevision(word, ids));
  const heads = named.length > 0 ? named : headsOf(migrations, config.values.order);
  if (heads.length < 2)
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: heads.length === 0 ? "There is nothing to merge." : `${heads[0]} is the only head.`,
      hint: "`godwit heads` lists them.",
    });
  const message = typeof invocation.flags.message === "string" ? invocation.flags.message : "merge";
  const id = `${nextNumber(migrations, new Date())}_${slugOf(message)}`;
  const language = languageOf(migrations);
  const file = `${id}.${language}`;
  writeMigration(config.folder, file, language === "ts" ? moduleOf(heads) : sqlOf(heads));
  const path = join(config.folder, file);
  return {
    json: { revision: id, file: path, revises: heads },
    text: relative(process.cwd(), path),
    result: true,
  };
}

function moduleOf(heads: readonly string[]): string {
  return `import { migration } from "godwit";

/** Joins two lines of work; there is nothing to do. */
export default migration({
  revises: ${JSON.stringify(heads)},
  up() {},
  down() {},
});
`;
}

/** A merge needs a statement, because a file with only comments counts as a mistake. */
function sqlOf(heads: readonly string[]): string {
  return `-- godwit: revises=${heads.join(",")}\n\n-- migrate:up\nselect 'nothing to do';\n\n-- migrate:down\nselect 'nothing to do';\n`;
}
