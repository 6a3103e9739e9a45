/** Brands in Blooms: a Next.js app that is built and started, with its migrations beside it. */
import { readFileSync } from "node:fs";
import { beforeAll } from "vitest";
import { container, openProject, stop, variablesOf, WAYS } from "../support/brands.ts";
import { expect, test } from "../support/database.ts";
import { buildNextApp } from "../support/next-app.ts";
import { startPostgrest } from "../support/postgrest.ts";

beforeAll(() => void buildNextApp(), 300_000);

for (const way of WAYS)
  test(`${way}: the app is up, its migrations are applied, and health is completed`, async ({ db }) => {
    await openProject(db);
    await using api = await startPostgrest(db);
    const up = await container(variablesOf(way, { db, api })).start();
    const { json } = await up.health("200 completed");
    expect(json).toEqual({
      status: "ok",
      timestamp: expect.any(String),
      service: "brands-in-blooms",
      environment: "production",
      version: "1.0.0",
      uptime: expect.any(Number),
      migrations: { status: "completed", lastChecked: expect.any(String) },
    });
    expect((await up.get("/")).text).toContain("Brands in Blooms");
    expect(api.requests.length > 0).toBe(way === "over HTTPS");
    await stop(up);
    expect(await db.sql("select filename from migration_history order by executed_at")).toHaveLength(4);
  });
