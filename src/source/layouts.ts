/** Every layout there is, by its name; a new one is a file and a line here. */
import type { Layout } from "./layout.ts";

/** `plain` is our own and not among them; it has a file of its own. */
export const LAYOUTS: Readonly<Record<string, () => Promise<Layout>>> = {
  drizzle: async () => (await import("./drizzle.ts")).drizzle,
  supabase: async () => (await import("./supabase.ts")).supabase,
  prisma: async () => (await import("./prisma.ts")).prisma,
  "golang-migrate": async () => (await import("./golang-migrate.ts")).golangMigrate,
  updown: async () => (await import("./updown.ts")).updown,
  dbmate: async () => (await import("./dbmate.ts")).dbmate,
  goose: async () => (await import("./goose.ts")).goose,
  sqlx: async () => (await import("./sqlx.ts")).sqlx,
  diesel: async () => (await import("./diesel.ts")).diesel,
  updir: async () => (await import("./updir.ts")).updir,
};
