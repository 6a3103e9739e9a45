/** What a desired schema may say of roles: whom it names, and nothing that makes or changes one. */
import { onTestFinished } from "vitest";
import type { Connection } from "../../src/database/connection.ts";
import { loadSchema } from "../../src/diff/load.ts";
import { SourceError } from "../../src/errors.ts";
import { connectionTo } from "../schema/snapshots.ts";
import { expect, test } from "../support/database.ts";
import { startServer } from "../support/server.ts";

const HERE = "create table here (id integer);\n";
/** Of each: what is named, and the line. */
const REFUSED: Readonly<Record<string, readonly [string, number]>> = {
  "create role reader": ["role reader", 2],
  "create user writer login password 'canary-1'": ["role writer", 2],
  "create group everybody": ["role everybody", 2],
  "alter role present_role connection limit 3": ["role present_role", 2],
  "alter role present_role set work_mem = '8MB'": ["role present_role", 2],
  "alter role present_role password 'canary-2'": ["role present_role", 2],
  "drop role present_role": ["role present_role", 2],
  "grant pg_monitor to present_role": ["the membership of present_role in pg_monitor", 2],
  "create role present_role": ['role "present_role" already exists', 2],
  "grant select on here to named_first;\ncreate role named_first": ['role "named_first" already exists', 3],
  "do $$ begin if not exists (select from pg_roles where rolname = 'late') then create role late; end if; end $$":
    ["role late", 2],
  "do $$ begin execute format('alter database %I set work_mem = ''8MB''', current_database()); end $$": [
    "the settings of database loaded",
    2,
  ],
  "grant select on here to grantee;\ngrant pg_monitor to grantee": [
    "the membership of grantee in pg_monitor",
    2,
  ],
  'create role "Quoted ""name"""': ['role "Quoted ""name"""', 2],
};
const TAKEN = [
  "grant select on here to grantee; alter table here owner to owner_of_it; create policy p on here to policed",
  "alter default privileges for role creator grant select on tables to grantee",
  "create foreign data wrapper w; create server s foreign data wrapper w; create user mapping for mapped server s",
];

test("a role that is named is made, and a statement that makes or changes one is refused by name and place", async () => {
  const server = await startServer();
  onTestFinished(() => server.stop());
  const urlOf = (database: string) => `postgres://postgres@127.0.0.1:${server.port}/${database}`;
  await using admin = await connectionTo(urlOf("postgres"));
  const inEmpty = async (use: (connection: Connection) => Promise<void>) => {
    await admin.execute("create database loaded");
    await admin.execute("create role present_role");
    {
      await using connection = await connectionTo(urlOf("loaded"));
      await use(connection);
    }
    await admin.execute("drop database loaded with (force)");
    const { rows } = await admin.query<{ name: string }>(
      "select quote_ident(rolname) as name from pg_roles where rolname !~ '^pg_' and rolname <> 'postgres'",
    );
    for (const { name } of rows) await admin.execute(`drop role ${name}`);
  };
  const said: Record<string, readonly [string, number | undefined]> = {};
  for (const [text, [named]] of Object.entries(REFUSED))
    await inEmpty(async (connection) => {
      const error = await loadSchema(connection, [{ name: "schema.sql", text: `${HERE}${text};` }]).catch(
        (thrown: unknown) => thrown,
      );
      const problem = error instanceof SourceError ? error.problems[0] : undefined;
      expect(problem?.code, `${text}: ${error}`).toBe("SCHEMA_FILE_FAILED");
      expect(problem?.message).toMatch(/ belongs? to the server and not to a database: a diff makes none\.$/);
      expect(JSON.stringify(problem)).not.toContain("canary");
      said[text] = [
        problem?.message.includes(named) === true ? named : String(problem?.message),
        problem?.place?.line,
      ];
    });
  expect(said).toEqual(REFUSED);
  for (const text of TAKEN)
    await inEmpty((connection) => loadSchema(connection, [{ name: "schema.sql", text: `${HERE}${text};` }]));
});

test("a command of psql that would read or change something is refused by name and place, and others say nothing", async () => {
  const server = await startServer();
  onTestFinished(() => server.stop());
  await using connection = await connectionTo(`postgres://postgres@127.0.0.1:${server.port}/postgres`);
  for (const command of ["\\connect other", "\\i more.sql", "\\copy here from 'rows.csv'", "\\if :yes"])
    await expect(
      loadSchema(connection, [
        { name: "schema.sql", text: `${HERE}${command}\ncreate table there (id int);\n` },
      ]),
    ).rejects.toMatchObject({
      problems: [
        {
          code: "SCHEMA_FILE_FAILED",
          message: expect.stringContaining(`${command.split(" ")[0]} is a command that only psql`),
          place: { file: "schema.sql", line: 2 },
        },
      ],
    });
  const text = `\\restrict abc\n\\echo here\n${HERE}\\unrestrict abc\n`;
  await loadSchema(connection, [{ name: "schema.sql", text }]);
  expect((await connection.query("select from here")).rows).toEqual([]);
});
