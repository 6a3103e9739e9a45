/** EchoMind's models in SQLAlchemy, and the migrations that are written from them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { vi } from "vitest";
import { expect, test } from "../support/database.ts";
import { example } from "../support/example.ts";
import { writeFiles } from "../support/target.ts";
import { PYTHON, withoutPython } from "../support/tools.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const missing = withoutPython("SQLAlchemy", "sqlalchemy");

test.skipIf(missing)(
  "SYSTEMS 5.11: a changed model becomes a revision, and a table that is left out by the configuration stays",
  async ({ db }) => {
    const { godwit: plain, folder } = example("echomind", db);
    const godwit = plain.with({ PYTHON });
    await godwit("upgrade", "head");
    expect((await godwit("diff")).stdout).toContain("No differences between the migrations and models:Base.");

    await db.sql("create table spatial_ref_sys (srid integer primary key)");
    expect((await godwit("diff", "--from", "database", "--json")).json.statements).toEqual([]);

    const models = readFileSync(join(folder, "models.py"), "utf8");
    writeFiles(folder, {
      "models.py": models.replace(
        "    score = Column(REAL)\n",
        "    score = Column(REAL)\n    quote = Column(Text)\n",
      ),
    });
    const { json } = await godwit("revision", "--autogenerate", "-m", "Add quotes", "--json");
    expect(json).toMatchObject({ revision: "009_add_quotes", losses: [] });
    expect(readFileSync(json.file, "utf8")).toContain('revises: ["008_add_citations"]');
    await godwit("upgrade", "head");
    await db.sql("select quote from message_citations");
    await godwit("downgrade", "-1");
    await expect(db.sql("select quote from message_citations")).rejects.toThrow("quote");
    await db.sql("select from spatial_ref_sys");
  },
);
