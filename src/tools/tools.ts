/**
 * Every tool that is supported. To add one, write a file and add a line here. The first tool that recognises a table
 * gets it.
 */
import { alembic } from "./alembic.ts";
import { diesel } from "./diesel.ts";
import { drizzle } from "./drizzle.ts";
import { flyway } from "./flyway.ts";
import { golangMigrate } from "./golang-migrate.ts";
import { goose } from "./goose.ts";
import { graphileMigrate } from "./graphile-migrate.ts";
import { liquibase } from "./liquibase.ts";
import { nodePgMigrate } from "./node-pg-migrate.ts";
import { prisma, prisma8 } from "./prisma.ts";
import { django, knex, kysely, typeorm, umzug } from "./programs.ts";
import { dbmate, ecto, rails } from "./schema-migrations.ts";
import { sqitch } from "./sqitch.ts";
import { sqlx } from "./sqlx.ts";
import { supabase } from "./supabase.ts";
import type { Tool } from "./tool.ts";

export const TOOLS: readonly Tool[] = [
  supabase,
  drizzle,
  alembic,
  prisma,
  prisma8,
  flyway,
  liquibase,
  golangMigrate,
  rails,
  dbmate,
  ecto,
  goose,
  sqlx,
  diesel,
  nodePgMigrate,
  knex,
  umzug,
  typeorm,
  kysely,
  django,
  sqitch,
  graphileMigrate,
];

/** The tools whose rows refer to the files of a layout. */
export function toolsOf(layout: string): readonly Tool[] {
  return TOOLS.filter((tool) => tool.layouts.includes(layout));
}

export function toolNamed(name: string): Tool | undefined {
  return TOOLS.find((tool) => tool.name === name);
}

/** Tools whose history is mirrored unless the configuration says otherwise. */
export const MIRRORED_BY_DEFAULT: ReadonlySet<string> = new Set(["drizzle", "supabase"]);

/** Layouts that belong to no particular tool: any tool may have run these files. */
export function isOwnLayout(layout: string): boolean {
  return ["plain", "updir", "updown"].includes(layout);
}
