/** Every supported layout, by name. To add one, write a file and add a line here. */
import type { Layout } from "./layout.ts";

/** `plain` is our own layout. It is not in this list and has a file of its own. */
const LAYOUTS = {
  drizzle: async () => (await import("./drizzle.ts")).drizzle,
  "node-pg-migrate": async () => (await import("./node-pg-migrate.ts")).nodePgMigrate,
  "graphile-migrate": async () => (await import("./graphile-migrate.ts")).graphileMigrate,
  sqitch: async () => (await import("./sqitch.ts")).sqitch,
  liquibase: async () => (await import("./liquibase.ts")).liquibase,
  flyway: async () => (await import("./flyway.ts")).flyway,
  supabase: async () => (await import("./supabase.ts")).supabase,
  prisma: async () => (await import("./prisma.ts")).prisma,
  "golang-migrate": async () => (await import("./golang-migrate.ts")).golangMigrate,
  updown: async () => (await import("./updown.ts")).updown,
  dbmate: async () => (await import("./dbmate.ts")).dbmate,
  goose: async () => (await import("./goose.ts")).goose,
  sqlx: async () => (await import("./sqlx.ts")).sqlx,
  diesel: async () => (await import("./diesel.ts")).diesel,
  updir: async () => (await import("./updir.ts")).updir,
} as const satisfies Readonly<Record<string, () => Promise<Layout>>>;

export type LayoutName = "plain" | keyof typeof LAYOUTS;

export const LAYOUT_NAMES = ["plain", ...Object.keys(LAYOUTS).sort()] as readonly LayoutName[];

/** Throws if there is no layout of that name. */
export async function loadLayout(name: string): Promise<Layout> {
  const load = (LAYOUTS as Readonly<Record<string, () => Promise<Layout>>>)[name];
  if (load === undefined) throw new Error(`There is no layout ${name}.`);
  return load();
}
