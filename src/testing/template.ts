/** A database in which the migrations have run, to be copied: one per folder, role and settings. */
import { createHash } from "node:crypto";
import { assemble, createContext } from "../assemble/assemble.ts";
import { atUrl } from "../assemble/dev.ts";
import { withSource } from "../assemble/source.ts";
import type { Config } from "../config/config.ts";
import { PHASES } from "../core/migration.ts";
import { identifier, literal } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import { DatabaseError } from "../errors.ts";
import { migrate } from "../run/migrate.ts";
import { VERSION } from "../std/version.ts";
import { draftName } from "./leftovers.ts";
import { verify } from "./server.ts";
import type { Workshop } from "./workshop.ts";

/** Settings that change what a run creates. Each combination has a template of its own. */
const SETTINGS = [
  "ledgerSchema",
  "searchPath",
  "role",
  "project",
  "order",
  "placeholders",
  "layout",
  "mirror",
] as const;

/** The template is gone, or in use. Another process may have replaced it meanwhile, so the copy is tried again. */
const COPY_AGAIN = new Set(["3D000", "55006"]);

export interface CopyOptions {
  readonly config: Config;
  readonly workshop: Pick<Workshop, "urlOf" | "token">;
  readonly name: string;
}

/** Makes the database `name` as a copy of the template, and the template where it is missing. */
export async function copyTemplate(connection: Connection, options: CopyOptions): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const template = await templateFor(connection, options);
    try {
      await connection.execute(
        `create database ${identifier(options.name)} template ${identifier(template)}`,
      );
      return;
    } catch (error) {
      const again = error instanceof DatabaseError && COPY_AGAIN.has(error.sqlState ?? "");
      if (!again || attempt >= 5) throw error;
    }
  }
}

async function templateFor(connection: Connection, { config, workshop }: CopyOptions): Promise<string> {
  const settings = SETTINGS.map((key) => [key, config.values[key]]);
  // Only who owns a database may copy it, and only who owns its tables may use them.
  const owner = connection.server.user;
  const prefix = `godwit_template_${hash(JSON.stringify([config.folder, owner, settings])).slice(0, 8)}_`;
  const { migrations } = await withSource(config, {}, (source) => source.list());
  const content = migrations.map(({ id, checksum, phase }) => `${id} ${checksum} ${phase}`);
  const name = `${prefix}${hash([VERSION, ...content].join("\n")).slice(0, 16)}`;
  if (await exists(connection, name)) return name;
  const key = BigInt.asIntN(64, BigInt(`0x${hash(prefix).slice(0, 16)}`));
  await connection.execute(`select pg_advisory_lock(${key})`);
  try {
    if (await exists(connection, name)) return name;
    await make(connection, name, { config, workshop });
    await dropOlder(connection, prefix, name);
    return name;
  } finally {
    if (!connection.lost.aborted) await connection.execute(`select pg_advisory_unlock(${key})`);
  }
}

async function exists(connection: Connection, name: string): Promise<boolean> {
  const { rows } = await connection.query("select from pg_database where datname = $1", [name]);
  return rows.length > 0;
}

/**
 * Makes the template as a draft, and gives it its name when it is complete. An advisory lock holds for one database only, so
 * two processes may make the same template. Each has a draft of its own, and the first complete one gets the name.
 */
async function make(
  connection: Connection,
  name: string,
  { config, workshop }: Pick<CopyOptions, "config" | "workshop">,
): Promise<void> {
  const draft = draftName(name, workshop.token);
  const drop = `drop database if exists ${identifier(draft)} with (force)`;
  await connection.execute(drop);
  await connection.execute(`create database ${identifier(draft)}`);
  try {
    await fill(config, workshop.urlOf(draft), draft);
    await connection.execute(`alter database ${identifier(draft)} rename to ${identifier(name)}`);
  } catch (error) {
    if (!connection.lost.aborted) await connection.execute(drop).catch(() => {});
    const faster = error instanceof DatabaseError && error.sqlState === "42P04";
    if (!faster) throw error;
  }
}

async function fill(config: Config, url: string, database: string): Promise<void> {
  await verify(config, url, database);
  const { connectAttempts } = config.values;
  const patient = { ...config, values: { ...config.values, connectAttempts: Math.max(connectAttempts, 10) } };
  await using assembled = await assemble(atUrl(patient, url), { say: () => {} });
  const signal = new AbortController().signal;
  const goal = { direction: "up", to: "heads", phases: PHASES } as const;
  const context = createContext(config, { observe: () => {}, signal });
  await migrate(assembled.target, { goal, failure: "stop", outOfOrder: false }, context);
}

/** Drops templates of earlier states of the folder. A template that is being copied stays until the next call. */
async function dropOlder(connection: Connection, prefix: string, name: string): Promise<void> {
  const { rows } = await connection.query<{ datname: string }>(
    `select datname from pg_database where datname ~ ${literal(`^${prefix}[0-9a-f]{16}$`)} and datname <> ${literal(name)}`,
  );
  for (const { datname } of rows)
    await connection.execute(`drop database if exists ${identifier(datname)}`).catch(() => {});
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
