/** The import as it is configured: variables, modes, files, flags; the real binary. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { describe, onTestFinished } from "vitest";
import { IMAGE_TABLE } from "../../src/images/image-table.ts";
import { FIELDS } from "../../src/images/table.ts";
import { type Command, commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { picture, put, temporaryFolder } from "../support/import-place.ts";
import { type Sshd, startSshd, withoutUser } from "../support/sshd.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

const [A, B, C] = (await Promise.all([1, 2, 3].map(picture))) as [Buffer, Buffer, Buffer];

const MIGRATIONS = {
  "migrations/0001_design_images.sql": IMAGE_TABLE,
  "migrations/0002_count.sql": `-- godwit: phase=complex
create table counted as select count(*)::int as n from design_images;`,
};

interface Project {
  readonly godwit: Command;
  readonly folder: string;
  readonly base: string;
}

/** A project with the table, a NAS folder with one design, and `imports` in its configuration. */
function project(db: TestDatabase, imports?: (base: string) => object, files: object = MIGRATIONS): Project {
  const base = temporaryFolder();
  put(base, { "s/t/a.png": A });
  const config = imports === undefined ? {} : { imports: imports(base) };
  const folder = folderOf({
    ...files,
    "godwit.config.json": JSON.stringify({ dir: "migrations", ...config }),
  });
  return { folder, base, godwit: commandIn({ folder, url: db.url }) };
}

const nas = (base: string) => ({ nas: { from: base, settle: "0s", workers: 1 } });
const names = async (db: TestDatabase) =>
  (await db.sql<{ file_path: string }>("select file_path from design_images order by 1")).map(
    (row) => row.file_path,
  );

describe.skipIf(withoutUser)(`the variables of a NAS${withoutUser ? `: ${withoutUser}` : ""}`, () => {
  const variables = (sshd: Sshd) => ({
    QNAP_HOST: "127.0.0.1",
    QNAP_PORT: String(sshd.port),
    QNAP_USERNAME: sshd.username,
    QNAP_PASSWORD: sshd.password ?? "",
    QNAP_HOST_KEY: sshd.hostKeyFingerprint,
    NAS_BASE_PATH: sshd.folder,
  });
  const server = async () => {
    const sshd = await startSshd();
    onTestFinished(() => sshd.stop());
    put(sshd.folder, { "s/t/a.png": A, "s/t/b.png": B });
    return sshd;
  };

  test("are all that up needs: startup, then the files, then complex; batched or one by one", async ({
    db,
  }) => {
    const sshd = await server();
    const { godwit } = project(db);
    const { stdout, json } = await godwit.with(variables(sshd))("up", "--json");
    expect(json.imports).toMatchObject([{ import: "nas", outcome: "done", stored: 2 }]);
    expect(json.report.steps.map((step: { revision: string }) => step.revision)).toEqual([
      "0001_design_images",
      "0002_count",
    ]);
    expect(await db.sql("select n from counted")).toEqual([{ n: 2 }]);
    expect(stdout).not.toContain(sshd.password);
    put(sshd.folder, { "s/t/c.png": C });
    const one = await godwit.with({ ...variables(sshd), NAS_USE_BATCHED: "false" })("import", "--json");
    expect(one.json.imports).toMatchObject([{ stored: 1, files: { stored: 3 } }]);
  });

  test("that are missing are named, the import is skipped, and the rest goes on", async ({ db }) => {
    const { godwit } = project(db);
    const some = { QNAP_HOST: "nas.invalid", QNAP_USERNAME: "worker" };
    const { stderr, json } = await godwit.with(some)("up", "--json");
    expect(stderr).toContain("QNAP_PASSWORD");
    expect(stderr).toContain("[IMPORT_CREDENTIALS_MISSING]");
    expect(stderr).not.toContain("QNAP_HOST,");
    expect(json).toMatchObject({ ok: true, imports: [{ outcome: "skipped" }] });
    expect(await db.sql("select n from counted")).toEqual([{ n: 0 }]);
    expect((await godwit.with({ QNAP_PASSWORD: "x" })("import")).stdout).toContain("was skipped");
    const alone = await godwit.with({ ...some, MIGRATION_MODE: "nas-only" })("up");
    expect(alone.stderr).toContain("QNAP_PASSWORD");
  });

  test("that make no sense are refused by name", async ({ db }) => {
    const { godwit } = project(db);
    const refused = async (env: Record<string, string>, ...words: string[]) => {
      const { stderr } = await godwit.with(env).fails(1, "import");
      for (const word of words) expect(stderr).toContain(word);
    };
    const login = { QNAP_HOST: "127.0.0.1", QNAP_USERNAME: "w", QNAP_PASSWORD: "top secret" };
    await refused({ ...login, QNAP_PORT: "twenty-two" }, "QNAP_PORT", "twenty-two");
    await refused({ ...login, NAS_USE_BATCHED: "maybe" }, "NAS_USE_BATCHED");
    await refused({ ...login, MIGRATION_MODE: "nas" }, "MIGRATION_MODE", "nas-only");
  });

  test("are enough to vouch for its key: the hint names what up, import and duplicates take", async ({
    db,
  }) => {
    const sshd = await server();
    const { godwit } = project(db);
    const { QNAP_HOST_KEY: _, ...alone } = variables(sshd);
    for (const command of ["up", "import"]) {
      const { json } = await godwit.with(alone).fails(1, command, "--json");
      expect(json.problems).toMatchObject([{ code: "ORIGIN_HOST_UNKNOWN" }]);
      const { hint } = json.problems[0];
      expect(hint).not.toContain("--");
      const pin = /QNAP_HOST_KEY=(SHA256:[A-Za-z0-9+/]+)/.exec(hint)?.[1] ?? "";
      await godwit.with({ ...alone, QNAP_HOST_KEY: pin })(command);
    }
    const from = `sftp://${sshd.username}@127.0.0.1:${sshd.port}${sshd.folder}`;
    const typed = await godwit.with(alone).fails(1, "import", "other", "--from", from, "--json");
    const [, flag = "", key = ""] = /(--host-key) (\S+)\. /.exec(typed.json.problems[0].hint) ?? [];
    await godwit.with(alone)("import", "other", "--from", from, flag, key);
  });

  test("keep the password to themselves: output, logs, ledger, processes", async ({ db }) => {
    const sshd = await server();
    const { godwit } = project(db);
    const password = sshd.password ?? "";
    await godwit("up");
    // Long enough to be looked at.
    const many = await Promise.all(Array.from({ length: 120 }, (_, n) => picture(n + 10)));
    put(sshd.folder, Object.fromEntries(many.map((bytes, n) => [`s/many/${n}.png`, bytes])));
    const said: string[] = [];
    const running = godwit
      .with({ ...variables(sshd), NAS_USE_BATCHED: "false" })
      .start("import", "--verbose", "--log-format", "json", "--json");
    const worker = await until(() => {
      const { stdout } = spawnSync("pgrep", ["-P", String(running.child.pid)], { encoding: "utf8" });
      return stdout.split("\n")[0] || undefined;
    });
    said.push(readFileSync(`/proc/${worker}/environ`, "utf8"));
    said.push(execFileSync("ps", ["-ewwo", "args"], { encoding: "utf8" }));
    const { stdout, stderr } = await running.exits(0);
    said.push(stdout, stderr);
    for (const args of [[], ["--verbose"], ["--verbose", "--log-format", "json", "--json"]]) {
      const wrong = { ...variables(sshd), QNAP_PASSWORD: `${password}!`, QNAP_HOST: "127.0.0.1" };
      const failed = await godwit.with(wrong).fails(1, "import", ...args);
      expect(failed.stderr).toContain("ORIGIN_LOGIN");
      said.push(failed.stdout, failed.stderr);
    }
    const tables = await db.sql<{ name: string }>(
      "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = $1",
      [ledgerSchema],
    );
    for (const { name } of tables)
      said.push(JSON.stringify(await db.sql(`select t::text from ${name} t limit 500`)));
    for (const text of said) expect(text).not.toContain(password);
  });

  test("written into a URL, the password is in no name, no log and no table", async ({ db }) => {
    const sshd = await server();
    const { godwit } = project(db);
    await godwit("up");
    const password = sshd.password ?? "";
    const login = `${sshd.username}:${encodeURIComponent(password)}@127.0.0.1:${sshd.port}`;
    // Without a path it is the host that gives the name.
    const nobody = login.replace(String(sshd.port), "1");
    const key = ["--host-key", sshd.hostKeyFingerprint];
    const done = await godwit("import", "--from", `sftp://${login}${sshd.folder}`, ...key, "--verbose");
    const failed = await godwit.fails(
      1,
      "import",
      "--from",
      `sftp://${nobody}`,
      ...key,
      "--json",
      "--verbose",
    );
    const ledger = JSON.stringify(await db.sql(`select import from "${ledgerSchema}".import_runs`));
    const said = [done.stdout, done.stderr, failed.stdout, failed.stderr, ledger].join("\n");
    expect(said).not.toContain(password);
    expect(said).not.toContain(encodeURIComponent(password));
    expect(said).not.toContain("horse");
    expect(await names(db)).toContain("s/t/a.png");
  });
});

describe("modes and failures", () => {
  test("startup leaves the files, nas-only does nothing else", async ({ db }) => {
    const { godwit } = project(db, nas);
    const startup = await godwit.with({ MIGRATION_MODE: "startup" })("up", "--json");
    expect(startup.json.imports ?? []).toEqual([]);
    expect(await names(db)).toEqual([]);
    const only = await godwit.with({ MIGRATION_MODE: "nas-only" })("up", "--json");
    expect(only.json.imports).toMatchObject([{ stored: 1 }]);
    expect(await db.sql("select from pg_class where relname = 'counted'")).toEqual([]);
    await godwit.with({ MIGRATION_MODE: "all" })("up");
    expect(await db.sql("select n from counted")).toEqual([{ n: 1 }]);
  });

  test("an import that fails stops what comes after it, or does not, and the run has failed", async ({
    db,
  }) => {
    const { godwit, base } = project(db, nas);
    rmSync(base, { recursive: true });
    const stopped = await godwit.fails(1, "up", "--json");
    expect(stopped.json).toMatchObject({
      ok: false,
      problems: [{ code: "ORIGIN_BASE_MISSING" }],
      report: { imports: [{ outcome: "failed" }] },
    });
    expect(stopped.json.report.steps).toHaveLength(1);
    const went = await godwit.fails(1, "up", "--on-failure", "continue", "--json");
    expect(went.json.problems).toMatchObject([{ code: "ORIGIN_BASE_MISSING" }]);
    expect(await db.sql("select n from counted")).toEqual([{ n: 0 }]);
  });

  test("without the table the import says how to make it", async ({ db }) => {
    const { godwit } = project(db, nas, { "migrations/.keep": "" });
    const { stderr } = await godwit.fails(1, "import");
    expect(stderr).toContain("[IMPORT_TABLE_MISSING]");
    expect(stderr).toContain("godwit init --import");
  });
});

describe("several imports", () => {
  test("run one after the other, or one by its name; other names are refused", async ({ db }) => {
    const second = temporaryFolder();
    put(second, { "s/t/a.png": C, "s/t/b.png": B });
    const { godwit } = project(db, (base) => ({ ...nas(base), archive: { from: second, settle: 0 } }));
    await godwit("up", "--phase", "startup");
    expect((await godwit("import", "archive", "--json")).json.imports).toMatchObject([
      { import: "archive", stored: 2 },
    ]);
    const both = (await godwit("import", "--json")).json.imports;
    expect(both).toMatchObject([
      { import: "nas", stored: 1, files: { stored: 1 } },
      { import: "archive", stored: 0, files: { stored: 2 } },
    ]);
    const rows = await db.sql("select import_name, file_path from design_images order by 1, 2");
    expect(rows.map((row) => `${row.import_name} ${row.file_path}`)).toEqual([
      "archive s/t/a.png",
      "archive s/t/b.png",
      "nas s/t/a.png",
    ]);
    const unknown = await godwit.fails(1, "import", "archiv");
    expect(unknown.stderr).toContain('There is no import "archiv".');
    expect(unknown.stderr).toContain("Did you mean archive?");
    expect(unknown.stderr).toContain("[IMPORT_UNKNOWN]");
  });

  test("none is an error that says where one comes from, and misspelt options are refused", async ({
    db,
  }) => {
    const { stderr } = await project(db).godwit.fails(1, "import");
    expect(stderr).toContain("No import is configured.");
    expect(stderr).toContain("QNAP_HOST");
    const refused = async (imports: object, ...words: string[]) => {
      const failed = await project(db, () => imports).godwit.fails(1, "import");
      for (const word of words) expect(failed.stderr).toContain(word);
    };
    await refused(
      { nas: { from: ".", patern: "<file>" } },
      'unknown option "patern"',
      "Did you mean pattern?",
    );
    await refused({ nas: { from: ".", hashSize: 64 } }, "imports.nas.hashSize");
    await refused({ nas: { from: ".", workers: "many" } }, "imports.nas.workers");
    await refused({ nas: { from: ".", pattern: "<shop>/<color>/<file>" } }, "<color>");
    await refused({ nas: { from: "ftp://nas/x" } }, "ftp:// is not supported");
    await refused({ nas: { from: ".", table: { columns: { file_path: 5 } } } }, "imports.nas.table");
    await refused({ "a b": { from: "." } }, '"a b"');
    await refused({ nas: { from: ".", table: { columns: { file_path: "p", phahs: "h" } } } }, "phahs");
    const { godwit } = project(db);
    expect((await godwit.fails(2, "import", "--pattern", "<file>")).stderr).toContain("--from");
    expect((await godwit.fails(2, "import", "--form", "x")).stderr).toContain("--from");
  });
});

describe("--status and --json", () => {
  test("say how far it is, from another terminal, and how it ended", async ({ db }) => {
    const { godwit, base } = project(db, (from) => ({ nas: { from, workers: 1, settle: "4s" } }));
    expect((await godwit("import", "--status")).stdout).toContain("Nothing has been imported");
    await godwit("up", "--phase", "startup");
    // Not yet at rest, so the run lasts.
    put(base, { "s/t/fresh.png": B }, new Date(Date.now() + 60_000));
    const running = godwit.start("import", "--json");
    const during = await until(async () => {
      const { json } = await godwit("import", "--status", "--json");
      return json.imports[0]?.state === "reading" && json.imports[0]?.figures.files !== undefined && json;
    });
    expect(during.imports).toMatchObject([
      { import: "nas", pid: running.child.pid, finishedAt: null, figures: { files: { total: 2 } } },
    ]);
    expect((await godwit("import", "--status")).stdout).toMatch(/^nas: \d+ %, \d of 2 files/);
    const { json } = await running.exits(0);
    expect(json).toMatchObject({ ok: true, command: "import" });
    expect(Object.keys(json.imports[0]).sort()).toEqual(
      "bytesRead,durationMs,files,import,moved,origin,outcome,restored,runId,scanned,startedAt,stored,troubles,warnings".split(
        ",",
      ),
    );
    const after = (await godwit("import", "--status", "--json")).json.imports;
    expect(after).toMatchObject([{ state: "done", figures: { stored: 2 } }]);
    expect((await godwit("import", "--status")).stdout).toMatch(/^nas: done at .*, 2 images stored/);
  });

  test("a name that steers terminals is spelled out, and whole in JSON", async ({ db }) => {
    const { godwit, base } = project(db, nas);
    await godwit("up", "--phase", "startup");
    const name = "s/t/\u001b[2J\u001b[31mevil\n\u202Egnp.png";
    put(base, { [name]: A.subarray(0, 70) });
    const { stdout, stderr } = await godwit("import");
    for (const text of [stdout, stderr]) {
      for (const control of ["\u001b[2J", "\u202E"]) expect(text).not.toContain(control);
      expect(text).toContain("\\u001b[2J\\u001b[31mevil\\n\\u202egnp.png");
    }
    expect((await godwit("import", "--json")).json.imports[0].troubles[0].path).toBe(name);
    const lines = (await godwit("import", "--log-format", "json")).stderr.trim().split("\n");
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty("message");
  });
});

describe("a table of one's own", () => {
  const own = (columns: object) => (base: string) => ({
    nas: { from: base, settle: 0, workers: 1, table: { name: "pictures", columns } },
  });

  test("takes what is mapped, as its columns are: text, varchar, signed number, bytes", async ({ db }) => {
    await db.sql(`create table pictures (key varchar(500) unique, hash bigint, hash_text varchar(64), digest bytea,
      "Shop Name" text, wide integer, mine text default 'untouched')`);
    const columns = {
      file_path: "key",
      phash: "hash",
      phash_visual: "hash_text",
      sha256: "digest",
      shop_name: "Shop Name",
      width: "wide",
    };
    const { godwit, base } = project(db, own(columns));
    put(base, { "s/t/b.png": B, "s/t/c.png": C });
    await godwit("import");
    await db.sql(IMAGE_TABLE.split("-- migrate:down")[0] ?? "");
    await godwit("import", "--from", base);
    const rows =
      await db.sql(`select p.*, to_hex(hash) as hex, encode(digest, 'hex') as sha, i.phash, i.phash_visual, i.sha256
      from pictures p join design_images i on i.file_path = p.key`);
    expect(rows).toHaveLength(3);
    for (const row of rows) {
      expect(String(row.hex).padStart(16, "0")).toBe(row.phash);
      expect(row).toMatchObject({
        hash_text: row.phash_visual,
        sha: row.sha256,
        "Shop Name": "s",
        wide: 64,
        mine: "untouched",
      });
    }
    expect((await godwit("import", "nas", "--json")).json.imports[0]).toMatchObject({
      stored: 0,
      restored: 0,
    });
  });

  test("that does not fit is refused before anything is read, with what to do", async ({ db }) => {
    await db.sql("create table pictures (key text, hash bigint, unique (key, hash))");
    const refused = async (columns: object, ...words: string[]) => {
      const { stderr } = await project(db, own(columns)).godwit.fails(1, "import");
      for (const word of ["[IMPORT_TABLE_UNFIT]", ...words]) expect(stderr).toContain(word);
    };
    await refused({ file_path: "key" }, "no unique index on (key)", "create unique index");
    await refused({ file_path: "keys" }, 'no column "keys"', "Did you mean key?");
    await refused({ phash: "hash" }, "file_path");
    await db.sql("create unique index on pictures (key)");
    await refused({ file_path: "key", phash_256: "hash" }, "64 bits");
    const { godwit } = project(db, (base) => ({
      nas: {
        from: base,
        hashSize: 16,
        table: { name: "pictures", columns: { file_path: "key", phash: "hash" } },
      },
    }));
    expect((await godwit.fails(1, "import")).stderr).toContain("64 bits");
    expect(await db.sql("select from pictures")).toEqual([]);
  });

  test("whose trigger refuses one row gets all others, and the reason is kept", async ({ db }) => {
    const { godwit, base } = project(db, nas);
    await godwit("up", "--phase", "startup");
    const many = await Promise.all(Array.from({ length: 20 }, (_, n) => picture(n + 10)));
    put(base, Object.fromEntries(many.map((bytes, n) => [`s/t/${n}.png`, bytes])));
    await db.sql(`create function refuse() returns trigger language plpgsql as
      $$ begin if new.file_name = '7.png' then raise exception 'not this one'; end if; return new; end $$`);
    await db.sql(
      "create trigger refuse before insert on design_images for each row execute function refuse()",
    );
    const { json } = await godwit("import", "--json");
    expect(json.imports[0]).toMatchObject({ stored: 20, files: { stored: 20, quarantined: 1 } });
    expect(json.imports[0].troubles).toMatchObject([{ path: "s/t/7.png", code: "FILE_REFUSED" }]);
    expect(json.imports[0].troubles[0].reason).toContain("not this one");
  });

  test("whose policies hide or refuse rows is an error, never a silent loss", async ({ db }) => {
    const { godwit } = project(db, nas);
    await godwit("up", "--phase", "startup");
    await db.sql("alter table design_images enable row level security");
    await db.sql("alter table design_images force row level security");
    await db.sql("create policy hidden on design_images using (false) with check (true)");
    const { stderr } = await godwit.fails(1, "import");
    expect(stderr).toMatch(/row-level security|row_security/);
    await db.sql("alter table design_images no force row level security");
    expect((await godwit("import", "--json")).json.imports[0]).toMatchObject({ files: { stored: 1 } });
    expect(await names(db)).toEqual(["s/t/a.png"]);
  });
});

describe("init --import", () => {
  test("makes the table with exactly the fields that there are, once", async ({ db }) => {
    const folder = folderOf({});
    const godwit = commandIn({ folder, url: db.url });
    expect((await godwit("init", "--import")).stdout).toContain("_design_images.sql");
    expect((await godwit("init", "--import")).stdout).toContain("Everything is there already.");
    await godwit("up");
    const columns = await db.sql<{ name: string }>(
      "select attname::text as name from pg_attribute where attrelid = 'design_images'::regclass and attnum > 0",
    );
    expect(columns.map(({ name }) => name).sort()).toEqual(
      [...Object.keys(FIELDS), "id", "created_at"].sort(),
    );
    await godwit("down", "base");
    expect(await db.sql("select from pg_class where relname = 'design_images'")).toEqual([]);
    await godwit("init", "--import");
    await godwit("up");
  });

  test("goes beside migrations that are there", async ({ db }) => {
    const folder = folderOf({ "migrations/0007_shops.sql": "create table shops ();" });
    const godwit = commandIn({ folder, url: db.url });
    await godwit("init", "--import");
    await godwit("up");
    expect(await names(db)).toEqual([]);
  });
});

describe("the table of an import that is missing", () => {
  const commandsOf = (hint: string) => [...hint.matchAll(/`godwit ([^`]*)`/g)].map(([, words = ""]) => words);
  const only = { MIGRATION_MODE: "nas-only" };
  const refusal = async (godwit: Command, ...args: readonly string[]) => {
    const { json } = await godwit.fails(1, ...args, "--json");
    expect(json.problems).toMatchObject([{ code: "IMPORT_TABLE_MISSING" }]);
    return json.problems[0].hint as string;
  };

  test("is made by the migration that is there, in whatever phase, and the hint's command does it", async ({
    db,
  }) => {
    for (const phase of ["startup", "complex"]) {
      await db.sql(`drop schema if exists "${ledgerSchema}" cascade`);
      await db.sql("drop table if exists design_images, shops");
      const { godwit } = project(db, nas, {
        "migrations/0001_shops.sql": "create table shops ();",
        "migrations/0002_pictures.sql": `-- godwit: phase=${phase}\n${IMAGE_TABLE}`,
      });
      const hint = await refusal(godwit.with(only), "up");
      expect(hint, phase).toContain("0002_pictures.sql creates it");
      expect(hint, phase).not.toContain("init --import");
      const [command = ""] = commandsOf(hint);
      await godwit.with(only)(...command.split(" "));
      const { json } = await godwit.with(only)("up", "--json");
      expect(json.imports, phase).toMatchObject([{ files: { stored: 1 } }]);
    }
  });

  test("is made by init --import where no migration is about it", async ({ db }) => {
    const { godwit } = project(db, nas, { "migrations/0001_shops.sql": "create table shops ();" });
    const hint = await refusal(godwit.with(only), "up");
    for (const command of commandsOf(hint)) await godwit.with(only)(...command.split(" "));
    expect((await godwit.with(only)("up", "--json")).json.imports).toMatchObject([{ stored: 1 }]);
  });

  test("was removed after its migration, and is not advised to be made again", async ({ db }) => {
    const { godwit } = project(db, nas);
    await godwit("up");
    await db.sql("drop table design_images cascade");
    const hint = await refusal(godwit, "import");
    expect(hint).toContain("0001_design_images.sql, which creates it, is applied");
    expect(commandsOf(hint)).toEqual([]);
  });
});
