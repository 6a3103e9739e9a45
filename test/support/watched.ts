/** The library as tests use it: what it answers, tells and throws is looked through for secrets. */
import * as library from "../../src/index.ts";
import { createTestDatabase as makeTestDatabase, type TestDatabaseOptions } from "../../src/testing.ts";
import { hear, textOf } from "./heard.ts";

export const createMigrator: typeof library.createMigrator = (config) =>
  watched("createMigrator()", library.createMigrator(listening("createMigrator()", config)));

export const createFleet: typeof library.createFleet = (config) =>
  watched("createFleet()", library.createFleet(listening("createFleet()", config)));

export const startDevelopment: typeof library.startDevelopment = (config) =>
  answered("startDevelopment()", () => library.startDevelopment(listening("startDevelopment()", config)), {
    // Its URL is for whoever connects.
    isSecret: true,
  });

export const createTestDatabase = (options: TestDatabaseOptions) =>
  answered("createTestDatabase()", () => makeTestDatabase(options), { isSecret: true });

/** What it hands on is heard first. Whatever else is given stays as it is, also what is no configuration at all. */
function listening<Config>(where: string, config: Config): Config {
  if (typeof config !== "object" || config === null) return config;
  const heard = Object.entries(config).flatMap(([name, value]) => {
    if ((name !== "observe" && name !== "say") || typeof value !== "function") return [];
    const tell = (...told: readonly unknown[]) => {
      hear(`${name} of ${where}`, textOf(told));
      return value(...told);
    };
    return [[name, tell]];
  });
  return heard.length === 0 ? config : { ...config, ...Object.fromEntries(heard) };
}

function watched<Made extends object>(where: string, made: Made): Made {
  return new Proxy(made, {
    get(of, name) {
      const value = Reflect.get(of, name, of);
      if (name === "backfills") return watched(`${where}.backfills`, value as object);
      if (typeof value !== "function") return value;
      return (...args: readonly unknown[]) =>
        answered(`${String(name)} of ${where}`, () => value.apply(of, args), { isSecret: name === "script" });
    },
  });
}

/** A script is for psql, with all that its migrations hold. */
function answered<Answer>(where: string, ask: () => Answer, { isSecret }: { isSecret: boolean }): Answer {
  const refuse = (error: unknown): never => {
    hear(`What ${where} throws`, textOf(error));
    throw error;
  };
  const tell = <Told>(told: Told): Told => {
    if (isMigrator(told)) return watched(where, told);
    if (!isSecret) hear(`The answer of ${where}`, textOf(told));
    return told;
  };
  try {
    const answer = ask();
    return (answer instanceof Promise ? answer.then(tell, refuse) : tell(answer)) as Answer;
  } catch (error) {
    return refuse(error);
  }
}

function isMigrator(value: unknown): value is library.Migrator {
  return typeof value === "object" && value !== null && "up" in value && typeof value.up === "function";
}
