/** `godwit init` */
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { isAddressed } from "../../assemble/assemble.ts";
import type { Answer, Invocation } from "../command.ts";
import { writeNew, writeOver } from "../files.ts";
import { KITS } from "../kits/kits.ts";
import { nextNumber, writeMigration } from "./create.ts";
import { writeKits } from "./deploy.ts";
import { isOurs, listed, listing } from "./new.ts";

const FIRST = `-- migrate:up
create table greetings (
  id bigint generated always as identity primary key,
  words text not null,
  said_at timestamptz not null default now()
);

-- migrate:down
drop table greetings;
`;

const CONFIG = `import { defineConfig } from "godwit";

/** All options: docs/reference/config.md. Flags and environment variables come before what is said here. */
export default defineConfig({
  dir: "migrations",
});
`;

export async function run(invocation: Invocation): Promise<Answer> {
  const config = await invocation.config();
  if (invocation.flags.supabase === true) return await writeFunction(config.root);
  const kits = Object.keys(KITS).filter((flag) => invocation.flags[flag] === true);
  if (kits.length > 0) return writeKits(kits, config, invocation.flags.dir);
  const made: string[] = [];
  const { layout, migrations } = await listed(config, invocation);
  if (invocation.flags.import === true) {
    await listing(config, invocation);
    const { IMAGE_TABLE } = await import("../../images/image-table.ts");
    if (!migrations.some((migration) => migration.id.endsWith("_design_images"))) {
      const name = `${nextNumber(migrations, new Date())}_design_images.sql`;
      writeMigration(config.folder, name, IMAGE_TABLE);
      made.push(join(config.folder, name));
    }
  } else if (migrations.length === 0 && isOurs(layout)) {
    const name = `${nextNumber([], new Date())}_first.sql`;
    writeMigration(config.folder, name, FIRST);
    made.push(join(config.folder, name));
  }
  if (config.file === null) {
    const path = join(config.root, "godwit.config.ts");
    if (!existsSync(path)) writeNew(path, CONFIG);
    made.push(path);
  }
  const shown = made.map((path) => relative(process.cwd(), path));
  const database =
    isAddressed(config) || config.given.databaseUrl !== undefined
      ? "the configured database"
      : "an embedded PostgreSQL in .godwit; set DATABASE_URL to use your own";
  return {
    json: { made },
    text: [
      shown.length === 0 ? "Everything is there already." : `Made ${shown.join(" and ")}.`,
      "→ godwit plan          shows what would be done",
      `→ godwit up            applies it to ${database}`,
      ...(isOurs(layout) ? ["→ godwit new <name>    makes the next migration"] : []),
    ].join("\n"),
    result: true,
  };
}

/** It is made by a person, once, with the rights of the project's owner. The file takes the place of one for an older version. */
async function writeFunction(root: string): Promise<Answer> {
  const { functionSql } = await import("../../database/rpc/exec-sql.ts");
  const path = join(root, "supabase", "exec_sql.sql");
  const [text, before] = [functionSql(), existsSync(path) ? readFileSync(path, "utf8") : null];
  if (before === null) writeNew(path, text);
  else if (before !== text) writeOver(path, text);
  const shown = relative(process.cwd(), path);
  return {
    json: { made: before === text ? [] : [path] },
    text: [
      before === text ? `${shown} is there already.` : `Made ${shown}.`,
      "→ Run it once as the owner of the project: in Supabase's SQL editor, or with psql and the database URL.",
      "→ godwit up      then needs NEXT_PUBLIC_SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY alone",
    ].join("\n"),
    result: true,
  };
}
