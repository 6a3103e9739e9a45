/** 70: a generated migration revokes what nobody granted, and the next one finds the same again. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { vi } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000 });

/** Privileges that only say what holds anyway, default privileges that apply to what is made behind them, and a revoke. */
const SCHEMA = `
alter default privileges grant select on tables to pg_monitor;
alter default privileges revoke execute on functions from public;
create table orders (id bigint generated always as identity primary key, total numeric(10, 2));
grant all on orders to current_user;
grant select (id), update (total) on orders to pg_read_all_stats;
revoke all on orders from public;
create function twice(x integer) returns integer language sql immutable as $$ select 2 * x $$;
create sequence numbers;
grant usage on sequence numbers to pg_monitor;
create type mood as enum ('bad', 'good');
revoke usage on type mood from public;
grant usage on schema public to pg_monitor;
`;

test("what was generated leaves nothing to generate, and revokes only what was granted", async ({ db }) => {
  const folder = folderOf({ "migrations/.gitkeep": "", "schema.sql": SCHEMA });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("new", "--autogenerate", "--to", "schema.sql", "-m", "orders");
  const [file = "", ...more] = readdirSync(join(folder, "migrations")).filter((name) =>
    name.endsWith(".sql"),
  );
  expect(more).toEqual([]);
  const [up = ""] = readFileSync(join(folder, "migrations", file), "utf8").split("-- migrate:down");
  // From PUBLIC, which has these by default, and from nobody else.
  for (const [, from] of up.matchAll(/^revoke .* from (\S+?);?$/gim)) expect(from, up).toBe("PUBLIC");
  const { json } = await godwit("diff", "--to", "schema.sql", "--exit-code", "--json");
  expect(json).toMatchObject({ statements: [], back: [] });
});
