/** Desired schemas of Drizzle, SQLAlchemy and Prisma, by the exporters of the tools themselves. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { vi } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { PYTHON, withoutPython } from "../support/tools.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const DRIZZLE = `import { index, integer, pgEnum, pgSchema, pgTable, serial, text } from "drizzle-orm/pg-core";
export const mood = pgEnum("mood", ["bad", "good"]);
export const users = pgTable("users", { id: serial().primaryKey(), name: text().notNull(), mood: mood() });
export const posts = pgTable("posts",
  { id: integer().primaryKey().generatedAlwaysAsIdentity(), author: integer().references(() => users.id) },
  (t) => [index("posts_author_idx").on(t.author)]);
export const blog = pgSchema("blog");
export const tags = blog.table("tags", { name: text().default("it's 100% \\\\ so") });
`;

const MODELS = `import enum
from sqlalchemy import *
from sqlalchemy.orm import declarative_base

print("said while it is imported")
Base = declarative_base()

class Mood(enum.Enum):
    bad = "bad"
    good = "good"

class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String(50), nullable=False, index=True, comment="100% so")
    mood = Column(Enum(Mood, name="mood"))
    __table_args__ = (CheckConstraint("name like 'a%'", name="begins"),)

class Post(Base):
    __tablename__ = "posts"
    __table_args__ = {"schema": "Blog"}
    id = Column(BigInteger, Identity(always=True), primary_key=True)
    author = Column(ForeignKey("users.id"))
`;

function project(db: TestDatabase, files: Readonly<Record<string, string>>) {
  const folder = folderOf({ "migrations/.gitkeep": "", "package.json": "{}", ...files });
  const godwit = commandIn({ folder, url: db.url, env: { PYTHON } });
  const written = () => readdirSync(join(folder, "migrations")).filter((name) => /^\d/.test(name));
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  return { folder, godwit, written, write };
}

const isSame = async (godwit: ReturnType<typeof commandIn>, to: string) =>
  (await godwit("diff", "--from", "database", "--to", to, "--json")).json.different === false;

test("a schema of Drizzle becomes migrations, from its configuration or its file", async ({ db }) => {
  const { folder, godwit, written, write } = project(db, {
    "src/schema.ts": DRIZZLE,
    "drizzle.config.ts": `import { defineConfig } from "drizzle-kit";
if (process.env.DATABASE_URL === undefined) throw new Error("no DATABASE_URL");
export default defineConfig({ dialect: "postgresql", schema: "./src/schema.ts" });`,
    "godwit.config.json": '{ "desiredSchema": "drizzle.config.ts" }',
  });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  await godwit("new", "--autogenerate", "-m", "first");
  await godwit("up");
  expect(await db.sql("insert into blog.tags default values returning name")).toEqual([
    { name: "it's 100% \\ so" },
  ]);
  expect(await isSame(godwit, "src/schema.ts")).toBe(true);
  expect(await isSame(godwit, "drizzle:src")).toBe(true);

  await db.sql("insert into users (name) values ('kept')");
  write(
    "src/schema.ts",
    DRIZZLE.replace('pgTable("users"', 'pgTable("people"').replace("name: text()", "called: text()"),
  );
  const lost = await godwit.fails(1, "new", "--autogenerate", "-m", "second");
  expect(lost.stderr).toContain("DIFF_LOSES_DATA");
  await godwit(
    ...["new", "--autogenerate", "-m", "second", "--rename", "users=people", "people.name=called"],
  );
  await godwit("up");
  expect(await db.sql("select called from people")).toEqual([{ called: "kept" }]);
  expect(written()).toHaveLength(2);

  write("src/schema.ts", "export const nothing = 1;");
  const nothing = await godwit.fails(1, "diff");
  expect(nothing.stderr).toContain("exported by drizzle-kit: it describes no table");

  write("src/schema.ts", `${DRIZZLE}\nthrow new Error("no postgres://me:hunter2secret@host/x");`);
  const broken = await godwit.fails(1, "diff");
  expect(broken.stderr).toContain("SCHEMA_EXPORT_FAILED");
  expect(broken.stderr).toContain("could not be exported by drizzle-kit: ");
  expect(broken.stderr).toContain("no postgres://");
  expect(broken.stderr).not.toContain("hunter2secret");
});

test.skipIf(withoutPython("SQLAlchemy", "sqlalchemy"))(
  "metadata of SQLAlchemy becomes a migration, and what Python says is told",
  async ({ db }) => {
    const { godwit, write, written } = project(db, { "app/__init__.py": "", "app/models.py": MODELS });
    await godwit("new", "--autogenerate", "--to", "app.models:Base", "-m", "first");
    await godwit("up");
    expect(await isSame(godwit, "app.models:Base.metadata")).toBe(true);
    await db.sql(`insert into users (name, mood) values ('anna', 'good')`);
    await expect(db.sql(`insert into users (name) values ('bert')`)).rejects.toThrow("begins");

    // Alembic's own table is no part of what it describes.
    await db.sql("create table alembic_version (version_num varchar(32))");
    expect(await isSame(godwit, "sqlalchemy:app.models:Base")).toBe(true);

    const unknown = await godwit.fails(1, "diff", "--to", "app.models:Bass");
    expect(unknown.stderr).toContain(
      "exported by sqlalchemy: AttributeError: module 'app.models' has no attribute",
    );
    write("app/models.py", "import nowhere_to_be_found");
    const broken = await godwit.fails(1, "diff", "--to", "app.models:Base");
    expect(broken.stderr).toContain("ModuleNotFoundError: No module named 'nowhere_to_be_found'");
    for (const ending of ["raise SystemExit(0)", "import os; os._exit(0)"]) {
      write("app/models.py", `${MODELS}\n${ending}`);
      const ended = await godwit.fails(1, "diff", "--to", "app.models:Base");
      expect(ended.stderr, ending).toContain("SCHEMA_EXPORT_FAILED");
    }
    write("app/models.py", "from sqlalchemy import MetaData\nmetadata = MetaData()");
    const nothing = await godwit.fails(1, "diff", "--to", "app.models:metadata");
    expect(nothing.stderr).toContain("exported by sqlalchemy: it describes no table");
    const without = godwit.with({ PYTHON: "no-such-python" });
    const none = await without.fails(1, "diff", "--to", "app.models:Base");
    expect(none.stderr).toContain("no-such-python could not be started (ENOENT)");
    expect(written()).toEqual(["0001_first.sql"]);
  },
);

/** Its engine is no part of the package and comes from the network, so a program in its place says what it was asked. */
const PRISMA_STAND_IN = `
const [one, two, from, option, schema, how] = process.argv.slice(2);
if ([one, two, from, how].join(" ") !== "migrate diff --from-empty --script") process.exit(2);
if (option !== process.env.EXPECTED_OPTION) { console.error("Unknown option " + option); process.exit(1); }
console.log('CREATE TABLE "User" (id integer); -- ' + require("fs").statSync(schema).size);
`;

test("a schema of Prisma is asked of the project's own Prisma, as its version wants it", async ({ db }) => {
  const { folder, godwit } = project(db, { "prisma/schema.prisma": "model User { id Int @id }" });
  const missing = await godwit.fails(1, "diff", "--to", "prisma/schema.prisma");
  expect(missing.stderr).toContain("SCHEMA_EXPORTER_MISSING");
  const home = join(folder, "node_modules", "prisma");
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "cli.js"), PRISMA_STAND_IN);
  for (const [version, option] of [
    ["6.19.0", "--to-schema-datamodel"],
    ["7.10.1", "--to-schema"],
  ] as const) {
    writeFileSync(join(home, "package.json"), JSON.stringify({ version, bin: { prisma: "cli.js" } }));
    const asked = godwit.with({ EXPECTED_OPTION: option });
    for (const to of ["prisma/schema.prisma", "prisma"])
      expect((await asked("diff", "--to", to)).stdout).toContain('CREATE TABLE "public"."User"');
  }
  const refused = await godwit.fails(1, "diff", "--to", "prisma");
  expect(refused.stderr).toContain("exported by prisma: Unknown option --to-schema");
  expect(readFileSync(join(folder, "prisma", "schema.prisma"), "utf8")).toContain("model User");
});
