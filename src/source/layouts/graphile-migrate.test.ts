import { expect, test } from "vitest";
import { graphileMigrate, hashOf } from "./graphile-migrate.ts";
import { openLayout, SPECIMENS } from "./layout.fixture.ts";

/** Commits the bodies as the tool does. */
function committed(...bodies: readonly string[]): Record<string, string> {
  let previous: string | null = null;
  return Object.fromEntries(
    bodies.map((body, at) => {
      const hash = hashOf(body, previous);
      const text = `--! Previous: ${previous ?? "-"}\n--! Hash: ${hash}\n\n${body.trim()}\n`;
      previous = hash;
      return [`committed/${String(at + 1).padStart(6, "0")}.sql`, text];
    }),
  );
}

test("the hash is the tool's: chained, over the trimmed body", () => {
  const first = "sha1:cf252ea34af24bd399648d0576f5080b9774e94c";
  expect(hashOf(SPECIMENS.A.toString(), null)).toBe(first);
  expect(hashOf(SPECIMENS.A_BOM.toString(), null)).toBe(first);
  expect(hashOf(SPECIMENS.B.toString(), first)).toBe("sha1:d5ba585c491ab509c70b73f96266b427e3a3cd8e");
  expect(hashOf(SPECIMENS.A_CRLF.toString(), null)).toBe("sha1:154c537fecce585e63e687aaefdc18916bb92660");
});

test("committed files are listed with what the history knows them by", async () => {
  const files = committed("select 1;", "--! no-transaction\nvacuum;");
  const second = files["committed/000002.sql"] ?? "";
  const { ids, wrong, migrations } = await openLayout(graphileMigrate, {
    "committed/000001.sql": files["committed/000001.sql"] ?? "",
    "committed/000002-with-a-name.sql": second,
    "committed/notes.md": "",
    "current.sql": "select nonsense",
    "fixtures/x.sql": "",
  });
  expect(wrong).toEqual([]);
  expect(ids).toEqual(["000001", "000002-with-a-name"]);
  const [one, two] = migrations;
  expect(one?.tool?.columns).toEqual({
    hash: hashOf("select 1;", null),
    previous_hash: null,
    filename: "000001.sql",
  });
  expect(two).toMatchObject({
    settings: { transaction: false },
    tool: { version: "000002.sql", columns: { previous_hash: hashOf("select 1;", null) } },
  });
});

test("line ends and a byte order mark are forgiven, whichever the hash was made over", async () => {
  const windows = committed("select 1;\r\nselect 2;");
  const plain = committed("select 1;\nselect 2;")["committed/000001.sql"]?.replaceAll("\n", "\r\n");
  expect((await openLayout(graphileMigrate, windows)).wrong).toEqual([]);
  const { wrong } = await openLayout(graphileMigrate, { "committed/000001.sql": `\ufeff${plain}` });
  expect(wrong).toEqual([]);
});

test.each([
  ["an edited body", { edit: ["select 1", "select 7"] }, /000001\.sql is not what its hash was made over/],
  ["no Previous", { edit: ["--! Previous: -\n", ""] }, /no `--! Previous:`/],
  ["no Hash", { edit: [/--! Hash.*\n/, ""] }, /no `--! Hash:`/],
  ["a header twice", { edit: ["--! Hash", "--! Previous: -\n--! Hash"] }, /a header twice/],
  ["no blank line", { edit: ["\n\n", "\n"] }, /no blank line/],
  [
    "an invalid hash allowed that is valid",
    { edit: ["\n\n", "\n--! AllowInvalidHash\n\n"] },
    /its hash fits/,
  ],
] as const)("%s is refused", async (_, { edit: [from, to] }, says) => {
  const files = committed("select 1;");
  const text = (files["committed/000001.sql"] ?? "").replace(from, to);
  const { wrong } = await openLayout(graphileMigrate, { "committed/000001.sql": text });
  expect(wrong).toEqual([expect.stringMatching(says)]);
});

test("an edited body runs where its headers allow it", async () => {
  const text = committed("select 1;")
    ["committed/000001.sql"]?.replace("select 1", "select 7")
    .replace("\n\n", "\n--! AllowInvalidHash\n\n");
  const { wrong, up } = await openLayout(graphileMigrate, { "committed/000001.sql": text ?? "" });
  expect(wrong).toEqual([]);
  expect(await up("000001")).toContain("select 7");
});

test("a chain with a link missing is refused, and says which file", async () => {
  const { "committed/000002.sql": _, ...rest } = committed("select 1;", "select 2;", "select 3;");
  const { wrong } = await openLayout(graphileMigrate, rest);
  expect(wrong).toEqual([expect.stringMatching(/committed\/000003\.sql says that it follows sha1:/)]);
});

test("placeholders come from .gmrc, the environment and what is given; only whole names count", async () => {
  const { up, wrong } = await openLayout(
    graphileMigrate,
    {
      ...committed("grant :ROLE to :ROLE_ADMIN; -- :ROLE\nselect ':OWNER' where a[:N] = b::TEXT;\n"),
      ".gmrc": '{ // comment\n "placeholders": { ":ROLE": "r", ":ROLE_ADMIN": "admin", ":OWNER": "x", }, }',
    },
    { OWNER: "me" },
  );
  expect(wrong).toEqual([]);
  expect(await up("000001")).toBe("\ngrant r to admin; -- r\nselect 'me' where a[:N] = b::TEXT;\n");
});

test("a name that nobody knows is refused with its place, and one that the database knows is not", async () => {
  const { migrations } = await openLayout(graphileMigrate, {
    ...committed("grant all on database :DATABASE_NAME to x;\nselect :NOBODY, ':NOT_ONE'"),
    ".gmrc": '{"placeholders": {":SECRET": "!ENV"}}',
  });
  expect(migrations[0]?.problem).toMatchObject({
    code: "SOURCE_PLACEHOLDER",
    place: { line: 5, column: 8 },
    details: { name: "NOBODY" },
  });
});

test("actions around migrations are refused, unless they are for development", async () => {
  const files = committed("select 1;");
  const dump = { _: "command", shadow: true, command: "dump" };
  const gmrc = (settings: object) => ({ ...files, ".gmrc": JSON.stringify(settings) });
  expect((await openLayout(graphileMigrate, gmrc({ afterAllMigrations: [dump] }))).wrong).toEqual([]);
  const { wrong } = await openLayout(graphileMigrate, gmrc({ afterAllMigrations: ["grants.sql"] }));
  expect(wrong).toEqual([expect.stringContaining("it has afterAllMigrations")]);
});
