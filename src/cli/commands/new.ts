/** `godwit new` */
import { join, relative } from "node:path";
import { withSource } from "../../assemble/source.ts";
import type { Config } from "../../config/config.ts";
import { headsOf } from "../../core/heads.ts";
import type { Migration } from "../../core/migration.ts";
import { resolveRevision } from "../../core/revision.ts";
import { ConfigError, SourceError } from "../../errors.ts";
import { type GeneratedMigration, generatedText } from "../../source/plain/generated.ts";
import { templateOf } from "../../source/plain/template.ts";
import type { Answer, Invocation } from "../command.ts";
import { isGraph, languageOf, nextNumber, slugOf, writeMigration } from "./create.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const { flags } = invocation;
  const config = await invocation.config();
  const message = typeof flags.message === "string" ? flags.message : "";
  const slug = slugOf([...invocation.arguments, message].join(" "));
  const migrations = await listing(config, invocation);
  const language = flags.ts === true ? "ts" : flags.sql === true ? "sql" : languageOf(migrations);
  const revises = parentsOf(migrations, config, flags.revises);
  const id = `${nextNumber(migrations, new Date())}_${slug}`;
  const file = `${id}.${language}`;
  const shown = relative(process.cwd(), join(config.folder, file));
  if (flags.autogenerate === true) {
    const { generate } = await import("./generate.ts");
    const write = (content: GeneratedMigration) =>
      writeMigration(config.folder, file, generatedText(language, revises, content));
    return generate(invocation, config, { id, path: join(config.folder, file), shown, revises, write });
  }
  writeMigration(config.folder, file, templateOf(language, revises));
  return { json: { revision: id, file: join(config.folder, file), revises }, text: shown, result: true };
}

type Listener = Pick<Invocation, "say" | "signal">;

/**
 * The migrations, for commands that write a file. Throws `ConfigError` if the folder belongs to a tool that names its
 * own files.
 */
export async function listing(config: Config, invocation: Listener): Promise<readonly Migration[]> {
  const { layout, migrations } = await listed(config, invocation);
  if (isOurs(layout)) return migrations;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `${config.folder} is a folder of ${layout}, which names and numbers its own files.`,
    hint: `Create the migration with ${layout}; \`godwit up\` runs it. Or name another folder with --dir.`,
    details: { option: "layout", layout },
  });
}

/** The migrations of the folder. An empty or missing folder has none, and the first migration goes there. */
export async function listed(
  config: Config,
  { say: print, signal }: Listener,
): Promise<{ layout: string; migrations: readonly Migration[] }> {
  return withSource(config, { print, signal }, async (source) => {
    const { layout } = source;
    try {
      return { layout, migrations: (await source.list()).migrations };
    } catch (error) {
      if (
        error instanceof SourceError &&
        ["SOURCE_FOLDER_EMPTY", "SOURCE_FOLDER_MISSING"].includes(error.code)
      )
        return { layout, migrations: [] };
      throw error;
    }
  });
}

/** Whether a file that we write fits the layout. A folder that does not exist yet has no layout. */
export function isOurs(layout: string): boolean {
  return ["plain", "dbmate", "unknown"].includes(layout);
}

function parentsOf(
  migrations: readonly Migration[],
  config: Config,
  revises: unknown,
): readonly string[] | null {
  const ids = migrations.map((migration) => migration.id);
  if (typeof revises === "string") return revises === "none" ? [] : [resolveRevision(revises, ids)];
  if (!isGraph(migrations)) return null;
  const heads = headsOf(migrations, config.values.order);
  if (heads.length <= 1) return heads;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `There are ${heads.length} heads: ${heads.join(", ")}.`,
    hint: `Join them first (\`godwit merge\`), or choose one: --revises ${heads[0]}`,
    details: { heads },
  });
}
