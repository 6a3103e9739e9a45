/** Every layout there is, by its name; a new one is a file and a line here. */
import type { Layout } from "./layout.ts";

/** `plain` is our own and not among them; it has a file of its own. */
export const LAYOUTS = {
  drizzle: async () => (await import("./layouts/drizzle.ts")).drizzle,
  "node-pg-migrate": async () => (await import("./layouts/node-pg-migrate.ts")).nodePgMigrate,
  "graphile-migrate": async () => (await import("./layouts/graphile-migrate.ts")).graphileMigrate,
  sqitch: async () => (await import("./layouts/sqitch.ts")).sqitch,
  liquibase: async () => (await import("./layouts/liquibase.ts")).liquibase,
  flyway: async () => (await import("./layouts/flyway.ts")).flyway,
  supabase: async () => (await import("./layouts/supabase.ts")).supabase,
  prisma: async () => (await import("./layouts/prisma.ts")).prisma,
  "golang-migrate": async () => (await import("./layouts/golang-migrate.ts")).golangMigrate,
  updown: async () => (await import("./layouts/updown.ts")).updown,
  dbmate: async () => (await import("./layouts/dbmate.ts")).dbmate,
  goose: async () => (await import("./layouts/goose.ts")).goose,
  sqlx: async () => (await import("./layouts/sqlx.ts")).sqlx,
  diesel: async () => (await import("./layouts/diesel.ts")).diesel,
  updir: async () => (await import("./layouts/updir.ts")).updir,
} as const satisfies Readonly<Record<string, () => Promise<Layout>>>;

export type LayoutName = "plain" | keyof typeof LAYOUTS;

export const LAYOUT_NAMES = ["plain", ...Object.keys(LAYOUTS).sort()] as readonly LayoutName[];

/** Throws where there is none of that name. */
export async function loadLayout(name: string): Promise<Layout> {
  const load = (LAYOUTS as Readonly<Record<string, () => Promise<Layout>>>)[name];
  if (load === undefined) throw new Error(`There is no layout ${name}.`);
  return load();
}
