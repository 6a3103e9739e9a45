/** Opens a layout over a real folder, for tests. */
import type { Migration } from "../../core/migration.ts";
import type { Problem } from "../../errors.ts";
import { createFolder } from "../folder.fixture.ts";
import { openInPlace } from "./in-place.ts";
import type { Layout } from "./layout.ts";

export interface Opened {
  readonly folder: string;
  readonly migrations: readonly Migration[];
  readonly problems: readonly Problem[];
  readonly ids: readonly string[];
  /** The up text as the server receives it. */
  up(id: string): Promise<string>;
  down(id: string): Promise<string>;
  /** The codes and messages of all problems, in order. */
  readonly wrong: readonly string[];
}

export async function openLayout(
  layout: Layout,
  files: Readonly<Record<string, string | Uint8Array>>,
  placeholders: Readonly<Record<string, string>> = {},
): Promise<Opened> {
  const folder = createFolder(files);
  const source = openInPlace(layout, folder, { placeholders, environment: {} });
  const { migrations, problems } = await source.list();
  const run = async (id: string, direction: "up" | "down") => {
    const migration = migrations.find((each) => each.id === id);
    if (migration === undefined) throw new Error(`no ${id} among ${migrations.map((each) => each.id)}`);
    const content = await source.read(migration, direction);
    return content.kind === "sql" ? content.text : "";
  };
  const broken = migrations.flatMap(({ problem }) => problem ?? []);
  return {
    folder,
    migrations,
    problems,
    ids: migrations.map(({ id }) => id),
    up: (id) => run(id, "up"),
    down: (id) => run(id, "down"),
    wrong: [...problems, ...broken].map(({ code, message }) => `${code} ${message}`),
  };
}

/** Sample files for which every tool's checksum is known. */
export const SPECIMENS: Readonly<Record<"A" | "A_CRLF" | "A_BOM" | "B" | "EMPTY", Buffer>> = {
  A: Buffer.from("CREATE TABLE t (id int);\nINSERT INTO t VALUES (1);\n"),
  A_CRLF: Buffer.from("CREATE TABLE t (id int);\r\nINSERT INTO t VALUES (1);\r\n"),
  A_BOM: Buffer.from("\ufeffCREATE TABLE t (id int);\nINSERT INTO t VALUES (1);\n"),
  B: Buffer.from("-- héllo\nCREATE INDEX i ON t (id);"),
  EMPTY: Buffer.alloc(0),
};
