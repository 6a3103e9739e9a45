import { defineConfig, env } from "godwit";

/** A new service is one more entry: its variable, and where its migrations are. */
export default defineConfig({
  layout: "drizzle",
  targets: {
    backend: {
      url: env("BACKEND_DATABASE_URL"),
      dir: "apps/backend/db/migrations",
    },
    "auth-next": {
      host: env("AUTH_NEXT_DATABASE_HOST"),
      port: env("AUTH_NEXT_DATABASE_PORT"),
      user: env("AUTH_NEXT_DATABASE_USER"),
      password: env("AUTH_NEXT_DATABASE_PASSWORD"),
      name: env("AUTH_NEXT_DATABASE_NAME"),
      dir: "apps/auth-next/lib/db/migrations",
    },
    auth: {
      url: env("AUTH_DATABASE_URL"),
      dir: "apps/auth/services/db/migrations",
    },
  },
});
