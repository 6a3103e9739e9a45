/** A scratch server for the test of a folder, and the target on it. */
import type { Config } from "../config/config.ts";
import type { TestReport } from "../run/report/test-report.ts";
import { secretUrl } from "../std/secret.ts";
import { assemble, createContext } from "./assemble.ts";
import { majorOf, openScratchLike } from "./rehearsal.ts";

export interface TestGiven {
  /** An id or the start of one. Left out: all migrations. */
  readonly revision?: string | undefined;
}

export interface TestCall {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Throws `ConfigError` for an unknown revision. What a migration comes to is in the report. */
export async function testOf(config: Config, given: TestGiven, call: TestCall): Promise<TestReport> {
  const [{ testMigrations }, { makeSchema }, { limitRights, migratorOf }] = await Promise.all([
    import("../run/folder-test.ts"),
    import("../run/scratch-copy.ts"),
    import("../run/scratch-rights.ts"),
  ]);
  const { say, signal } = call;
  const major = config.values.lint.postgresVersion ?? (await majorOf(config, call));
  await using scratch = await openScratchLike(config, { major, signal });
  const database = databaseName(config);
  await scratch.create(database);
  const schema = config.target?.schema ?? null;
  if (schema !== null) await makeSchema(scratch, { database, schema });
  await limitRights(scratch, { database });
  const url = scratch.urlOf(database, migratorOf(scratch));
  const own = Object.entries(config.environment).filter(([name]) => !/^PG[A-Z]+$/.test(name));
  const environment = { ...Object.fromEntries(own), DATABASE_URL: url };
  const staged = { ...config, environment, values: { ...config.values, databaseUrl: secretUrl(url) } };
  await using assembled = await assemble(staged, { say, signal, needsFiles: true });
  const context = createContext(staged, { observe: () => {}, signal });
  const { layBaseline } = await import("./baseline.ts");
  const baseline = await layBaseline(staged, assembled.target, context);
  const options = { scratch, database, baseline, revision: given.revision ?? null };
  return await testMigrations(assembled.target, options, context);
}

const TAKEN = ["postgres", "template0", "template1", "godwit_saved"];

/** The name that migrations may speak of. */
function databaseName({ values }: Config): string {
  const url = values.databaseUrl?.reveal();
  const name =
    url !== undefined && URL.canParse(url) ? decodeURIComponent(new URL(url).pathname.slice(1)) : "";
  return name === "" || TAKEN.includes(name) ? "godwit_test" : name;
}
