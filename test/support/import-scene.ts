/**
 * Everything that an import needs, real: a made-up NAS behind a real sshd, databases with the images' table, the binary.
 * And the law that all tests of disturbances share: what is there in the end is what an undisturbed import brings.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { expect, inject, onTestFinished } from "vitest";
import { makeNas, type NasManifest, type NasOptions } from "../../scripts/nas.mjs";
import { IMAGE_TABLE } from "../../src/images/image-table.ts";
import { type Command, commandIn, type Json } from "./command.ts";
import { DATABASE_PASSWORD, ledgerSchema } from "./database.ts";
import { OWNER, TEMPLATE } from "./global.ts";
import { expectNoSecretsInLedgers } from "./ledger-secrets.ts";
import { type Sshd, startSshd } from "./sshd.ts";
import { type Files, writeFiles } from "./target.ts";
import { until } from "./until.ts";
import { asFiles } from "./version.ts";

/** Options of `imports.<name>`. */
export type ImportOptions = Readonly<Record<string, unknown>>;

export interface SceneOptions extends NasOptions {
  /** Puts more into the folder. */
  readonly more?: (folder: string) => Promise<void>;
  /** Beside the import's configuration: name → text. */
  readonly migrations?: Files;
}

/** Table → its rows as text, without ids and times. */
export type Rows = Readonly<Record<"images" | "files" | "contents" | "hashes", readonly string[]>>;

export interface ImportPlace {
  readonly name: string;
  /** As the owner, directly. */
  readonly url: string;
  /** The binary; `through` stands for ports of wires in between. */
  command(through?: Through): Command;
  sql<Row = Record<string, unknown>>(text: string, parameters?: readonly unknown[]): Promise<Row[]>;
  rows(): Promise<Rows>;
  /** What the owner did and, in a transaction of its own, is about to do; undone with it. */
  transaction(before: string, open: string): Promise<Gate>;
  /** Resolves when at least so many rows are there. */
  untilStored(least: number): Promise<void>;
}

/** An open transaction, in whose way others come. */
export interface Gate extends AsyncDisposable {
  /** Resolves when so many sessions wait for a lock, whoever has it. */
  untilWaiting(sessions: number): Promise<void>;
  rollback(): Promise<void>;
}

export interface Through {
  readonly url?: string;
  readonly sshPort?: number;
  /** Import → its options; `nas` where it is left out. */
  readonly imports?: Readonly<Record<string, ImportOptions>>;
  readonly options?: ImportOptions;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Scene extends AsyncDisposable {
  readonly sshd: Sshd;
  readonly manifest: NasManifest;
  /** An empty database with the images' table and nothing else; dropped with its test. */
  place(): Promise<ImportPlace>;
  /** The same on a server of the test's own, as its superuser; gone with that server. */
  placeOn(port: number): Promise<ImportPlace>;
  /** What an import that nobody disturbs leaves in a fresh database. */
  undisturbed(): Promise<{ readonly rows: Rows; readonly report: Json }>;
  /** One more run, undisturbed, must succeed and leave what an undisturbed import leaves; gives back its report. */
  settles(
    place: ImportPlace,
    options?: { readonly what?: string; readonly through?: Through },
  ): Promise<Json>;
}

export async function openScene({ more, migrations = {}, ...nas }: SceneOptions = {}): Promise<Scene> {
  const { port } = inject("postgres");
  const sshd = await startSshd();
  const manifest = await makeNas(sshd.folder, { designs: 12, pixels: 48, ...nas });
  await more?.(sshd.folder);
  const home = mkdtempSync(join(tmpdir(), "godwit-import-"));
  writeFileSync(join(home, "godwit.config.mjs"), CONFIG);
  mkdirSync(join(home, "migrations"));
  writeFiles(join(home, "migrations"), migrations);
  const server = new pg.Pool({ connectionString: `postgres://postgres@127.0.0.1:${port}/postgres` });
  const unique = `${process.pid}_${Math.random().toString(36).slice(2, 8)}`;
  const template = `t_import_${unique}`;
  await server.query(`create database ${template} template ${TEMPLATE} owner ${OWNER} ${asFiles()}`);
  await asking(`postgres://${OWNER}@127.0.0.1:${port}/${template}`, makeImageTable);
  let made = 0;
  let calm: Promise<{ rows: Rows; report: Json }> | undefined;

  const placeAt = (name: string, url: string): ImportPlace => {
    const superuser = new URL(url);
    superuser.username = "postgres";
    const asAdmin = <T>(use: (client: pg.Client) => Promise<T>) => asking(superuser.href, use);
    return {
      name,
      url,
      command: ({ url: through = url, sshPort = sshd.port, options, imports, env }: Through = {}) =>
        commandIn({
          folder: home,
          url: through,
          env: {
            QNAP_PRIVATE_KEY: sshd.privateKey,
            NAS_URL: `sftp://${sshd.username}@127.0.0.1:${sshPort}${sshd.folder}`,
            NAS_PIN: sshd.hostKeyFingerprint,
            // What lies behind links belongs to the scene.
            GODWIT_FOLLOW_LINKS: "true",
            NAS_IMPORTS: JSON.stringify(imports ?? { nas: options ?? {} }),
            ...env,
          },
        }),
      sql: (text, parameters = []) =>
        asAdmin(async (client) => (await client.query(text, [...parameters])).rows),
      rows: () => asAdmin(rowsOf),
      transaction: (before, open) => openGate(url, { before, open }),
      untilStored: (least) =>
        asAdmin(async (client) => {
          const enough = "select count(*) >= $1 as enough from design_images";
          await until(async () => (await client.query(enough, [least])).rows[0].enough, {
            what: `${least} rows`,
          });
        }),
    };
  };

  const scene: Scene = {
    sshd,
    manifest,
    async place() {
      const name = `${template}_${++made}`;
      await server.query(`create database ${name} template ${template} owner ${OWNER} ${asFiles()}`);
      const place = placeAt(name, `postgres://${OWNER}:${DATABASE_PASSWORD}@127.0.0.1:${port}/${name}`);
      onTestFinished(async () => {
        try {
          await asking(`postgres://postgres@127.0.0.1:${port}/${name}`, expectNoSecretsInLedgers);
        } finally {
          await server.query(`drop database if exists ${name} with (force)`);
        }
      });
      return place;
    },
    async placeOn(own) {
      const url = `postgres://postgres@127.0.0.1:${own}/postgres`;
      await asking(url, makeImageTable);
      return placeAt("postgres", url);
    },
    undisturbed() {
      calm ??= (async () => {
        const place = await scene.place();
        const [report] = (await place.command()("import", "--json")).json.imports;
        return { report, rows: await place.rows() };
      })();
      return calm;
    },
    async settles(place, { what = "", through = {} } = {}) {
      const { rows, report: calmReport } = await scene.undisturbed();
      const committed = await bytesDone(place);
      const [report] = (await place.command(through)("import", "--json")).json.imports;
      expect(await place.rows(), what).toEqual(rows);
      expect(report.bytesRead, `${what}: bytes that were read again`).toBeLessThanOrEqual(
        calmReport.bytesRead - committed,
      );
      return report;
    },
    async [Symbol.asyncDispose]() {
      await server.query(`drop database if exists ${template} with (force)`);
      await server.end();
      await sshd.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
  return scene;
}

const CONFIG = `const { NAS_URL: from, NAS_PIN: hostKey, NAS_IMPORTS } = process.env;
const common = { from, hostKey, settle: "0s", workers: 2, patience: "1min" };
const imports = Object.entries(JSON.parse(NAS_IMPORTS)).map(([name, own]) => [name, { ...common, ...own }]);
export default { connectAttempts: 40, connectDelay: "100ms", imports: Object.fromEntries(imports) };
`;

async function openGate(url: string, { before, open }: { before: string; open: string }): Promise<Gate> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(before);
  await client.query(`begin; ${open}`);
  const waiting =
    "select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  return {
    async untilWaiting(sessions) {
      // In a transaction, what the statistics say stands still.
      const enough = async () => {
        await client.query("select pg_stat_clear_snapshot()");
        return (await client.query(waiting)).rows[0].n >= sessions;
      };
      await until(enough, { what: `${sessions} sessions that wait for a lock`, withinMs: 60_000 });
    },
    rollback: async () => void (await client.query("rollback")),
    [Symbol.asyncDispose]: () => client.end(),
  };
}

async function makeImageTable(client: pg.Client): Promise<void> {
  await client.query(IMAGE_TABLE.split("-- migrate:down")[0] ?? "");
}

async function asking<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

async function rowsOf(client: pg.Client): Promise<Rows> {
  const lines = async (text: string) =>
    (await client.query(text)).rows.map(({ line }) => String(line)) as readonly string[];
  const t = (name: string) => `"${ledgerSchema}".${name}`;
  return {
    images: await lines(
      "select (to_jsonb(t) - 'id' - 'created_at')::text as line from design_images t order by 1",
    ),
    files: await lines(
      `select concat_ws(' ', import, path, state, coalesce(code, '-'), encode(sha256, 'hex')) as line from ${t("import_files")} order by 1`,
    ),
    contents: await lines(
      `select ((to_jsonb(c) - 'visual_id' - 'white_id') || jsonb_build_object('visual', v.hash_256::text, 'white', w.hash_256::text))::text as line
from ${t("import_contents")} c join ${t("import_hashes")} v on v.id = c.visual_id left join ${t("import_hashes")} w on w.id = c.white_id order by 1`,
    ),
    hashes: await lines(
      `select concat_ws(' ', hash, hash_256, low_information) as line from ${t("import_hashes")} order by 1`,
    ),
  };
}

/** Of files that runs before have read and finished with. */
async function bytesDone(place: ImportPlace): Promise<number> {
  const files = `"${ledgerSchema}".import_files`;
  const [found] = await place.sql<{ there: boolean }>("select to_regclass($1) is not null as there", [files]);
  if (found?.there !== true) return 0;
  const [row] = await place.sql<{ bytes: string }>(
    `select coalesce(sum(size), 0)::text as bytes from ${files} where state <> 'pending' and (sha256 is not null or attempts > 0)`,
  );
  return Number(row?.bytes);
}
