/** A commit that no synchronous standby has is told, whichever statement of ours it was. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Command, commandIn } from "../support/command.ts";
import { startServer, type ThrowAwayServer } from "../support/server.ts";
import { folderOf } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

const SQL = {
  "migrations/0001_a.sql": "create table a ();",
  "migrations/0002_b.sql": "-- migrate:up\ncreate table b ();\n-- migrate:down\ndrop table b;",
};
const WARNING = { code: "DATABASE_NOT_REPLICATED" };

describe("where the standby is missing and the wait for it is cancelled", () => {
  let server: ThrowAwayServer;
  let admin: pg.Client;
  const url = (database: string) => `postgres://postgres@127.0.0.1:${server.port}/${database}`;

  beforeAll(async () => {
    server = await startServer({ settings: ["synchronous_commit=on"] });
    admin = new pg.Client({ connectionString: url("postgres"), application_name: "synchronous test" });
    await admin.connect();
    await admin.query("set synchronous_commit = off");
    await admin.query("alter system set synchronous_standby_names = 'nobody'");
    await admin.query("select pg_reload_conf()");
  });
  afterAll(async () => {
    await admin?.end();
    await server?.stop();
  });

  const CANCEL = `select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'`;

  /** Cancels each wait for the standby until the work is done. */
  async function cancelled<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const end = () => {
      done = true;
    };
    work.then(end, end);
    while (!done) await admin.query(CANCEL);
    return work;
  }

  async function placeFor(name: string, files: Readonly<Record<string, string>> = SQL) {
    await admin.query(`create database ${name}`);
    const folder = folderOf(files);
    return { folder, url: url(name), godwit: commandIn({ folder, url: url(name) }) };
  }

  const runs = async (godwit: Command, ...words: readonly string[]) => {
    const { json, stderr } = await cancelled(godwit(...words, "--json"));
    expect(json.report.warnings, words.join(" ")).toEqual([expect.objectContaining(WARNING)]);
    expect(stderr.match(/is on this server alone/g), words.join(" ")).toHaveLength(1);
  };

  test("baseline, repair, up and down say so in the report and in the text", async () => {
    const { godwit } = await placeFor("each");
    await runs(godwit, "baseline", "0001");
    await runs(godwit, "repair", "--forget", "0001", "--confirm", "each");
    await runs(godwit, "up");
    await runs(godwit, "down", "-1");
  });

  test.for<[string, Readonly<Record<string, string>>]>([
    [
      "that sets what messages it gets",
      { "0001_a.sql": "set client_min_messages = error; create table a ();" },
    ],
    ["outside a transaction", { "0001_a.sql": "create table a (); vacuum a;" }],
    ["that is a module", { "0001_a.mjs": "export const up = ({ sql }) => sql`create table a ()`;" }],
  ])("of a migration %s too", async ([title, files]) => {
    const name = title.replaceAll(" ", "_");
    const within = Object.entries(files).map(([file, text]) => [`migrations/${file}`, text]);
    const { godwit } = await placeFor(name, Object.fromEntries(within));
    await admin.query(`alter database ${name} set client_min_messages = error`);
    await runs(godwit, "up");
  });

  test("up again, where the standby has taken over, applies what was lost", async () => {
    const { folder, godwit } = await placeFor("lost");
    await cancelled(godwit("up", "0001"));
    await admin.query("create database standby template lost");
    const { json } = await cancelled(godwit("up", "--json"));
    expect(json.report.warnings[0].hint).toContain("run `godwit up` again");
    const standby = commandIn({ folder, url: url("standby") });
    const { report } = (await cancelled(standby("up", "--json"))).json;
    expect(report.steps).toMatchObject([{ revision: "0002_b" }]);
  });

  test("the library has it in its reports and tells it as an event", async () => {
    const { folder, url } = await placeFor("library");
    const told: string[] = [];
    await using migrator = createMigrator({
      root: folder,
      dir: "migrations",
      databaseUrl: url,
      observe: (event) => void (event.kind === "warning" && told.push(event.problem.code)),
    });
    const { warnings } = await cancelled(migrator.baseline("0001"));
    expect(warnings).toEqual([expect.objectContaining(WARNING)]);
    expect((await cancelled(migrator.up())).warnings).toEqual([expect.objectContaining(WARNING)]);
    expect(told).toEqual([WARNING.code, WARNING.code]);
  });
});
