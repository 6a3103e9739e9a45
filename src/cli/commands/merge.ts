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
  const named = [...new Set(invocation.arguments.map((word) => resolveRevision(word, ids)))];
  const all = headsOf(migrations, config.values.order);
  const heads = named.length > 0 ? named : all;
  if (heads.length < 2) throw nothingToJoin(heads[0], all.length);
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

function nothingToJoin(only: string | undefined, heads: number): ConfigError {
  const canJoin = heads > 1;
  return new ConfigError({
    code: "CONFIG_INVALID",
    message:
      only === undefined
        ? "There is nothing to merge."
        : canJoin
          ? `${only} alone is nothing to merge.`
          : `${only} is the only head.`,
    hint: canJoin
      ? "Name all that are to be joined; `godwit heads` lists the heads, and `godwit merge` joins all of them."
      : "A merge joins two heads or more. The next migration is made by `godwit new <name>`.",
  });
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

/** With a statement, because a file with only comments is warned of. */
function sqlOf(heads: readonly string[]): string {
  return `-- godwit: revises=${heads.join(",")}\n\n-- migrate:up\nselect 'nothing to do';\n\n-- migrate:down\nselect 'nothing to do';\n`;
}
