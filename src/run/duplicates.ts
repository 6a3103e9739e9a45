/** What is there twice: compares what is new, then lists, decides, or makes the pictures for a contact sheet. */
import type { Connection, Row } from "../database/connection.ts";
import { compareNew } from "../duplicates/compare.ts";
import { type Decided, type Decision, decide } from "../duplicates/decide.ts";
import type { Duplicates } from "../duplicates/duplicates.ts";
import { type FindOptions, findDuplicates } from "../duplicates/find.ts";
import { renderSheet } from "../duplicates/sheet.ts";
import { ConfigError, type Problem } from "../errors.ts";
import { createResults } from "../images/results.ts";
import { createScans } from "../images/scans.ts";
import { imageTables } from "../images/sql.ts";
import { readThumbnails } from "../import/thumbnails.ts";
import { withTrust } from "../import/trust.ts";
import type { Import } from "./import.ts";
import { withConnection } from "./session/connect.ts";
import { withWarnings } from "./session/local-commits.ts";
import type { RunContext, Target } from "./session/target.ts";

export interface Listed {
  readonly duplicates: Duplicates;
  /** The import of the first file that is listed. */
  readonly first: ListedImport | null;
  /** The import of the first file that is listed and whose colours are not known. */
  readonly colourless: ListedImport | null;
}

export interface ListedImport {
  readonly name: string;
  /** Where its files are, as far as that can be said again. */
  readonly origin: string | null;
}

export interface ContactSheet {
  readonly duplicates: Duplicates;
  /** One page with all pictures in it. */
  readonly html: string;
  /** Imports whose pictures are missing, because the configuration does not say where their files are. */
  readonly unknown: readonly string[];
}

export async function listDuplicates(
  target: Target,
  options: FindOptions,
  context: RunContext,
): Promise<Listed> {
  return withConnection(target, context, async (connection) => {
    const { schema } = target.ledger;
    await requireTables(connection, schema);
    await compareNew(connection, schema, { signal: context.signal });
    const duplicates = await findDuplicates(connection, schema, options);
    const { groups, review } = duplicates;
    const [first] = [...groups, ...review].flatMap(({ files }) => files);
    const colourless = groups.flatMap(({ files, unsure }) =>
      files.filter(({ id }) => unsure.includes(id)),
    )[0];
    const importOf = (name: string | undefined) =>
      name === undefined ? null : listedImport(connection, schema, name);
    return {
      duplicates,
      first: await importOf(first?.import),
      colourless: await importOf(colourless?.import),
    };
  });
}

const THUMBNAIL_PX = 240;
/** Of a sheet that people scroll through. */
const SHEET_PAGE = 200;

/**
 * `imports`: those that are configured. They say where the files are. `targetName`: of several configured targets, the
 * one that the commands on the sheet are about.
 */
export async function contactSheet(
  target: Target,
  {
    imports,
    targetName,
    ...options
  }: FindOptions & { readonly imports: readonly Import[]; readonly targetName: string | undefined },
  context: RunContext,
): Promise<ContactSheet> {
  const wanted = { ...options, limit: options.limit ?? SHEET_PAGE };
  return withConnection(target, context, async (connection) => {
    const { schema } = target.ledger;
    await requireTables(connection, schema);
    await compareNew(connection, schema, { signal: context.signal });
    const duplicates = await findDuplicates(connection, schema, wanted);
    const { thumbnails, unknown } = await thumbnailsOf(connection, duplicates, { schema, imports, context });
    const pictures = [...thumbnails].map(
      ([id, webp]) => [id, { mime: "image/webp", base64: Buffer.from(webp).toString("base64") }] as const,
    );
    const html = renderSheet({
      ...duplicates,
      target: targetName,
      thumbnails: new Map(pictures),
      madeAt: new Date().toISOString().slice(0, 16).replace("T", " "),
    });
    return { duplicates, html, unknown };
  });
}

/** Throws `ConfigError` `IMAGE_UNKNOWN`. */
export async function decideDuplicates(
  target: Target,
  decision: Decision,
  given: RunContext,
): Promise<Decided & { readonly warnings: readonly Problem[] }> {
  const { context, warnings } = withWarnings(given);
  const decided = await withConnection(target, context, async (connection) => {
    const { schema } = target.ledger;
    await requireTables(connection, schema);
    await compareNew(connection, schema, { signal: context.signal });
    return decide(connection, schema, decision);
  });
  return { ...decided, warnings: warnings() };
}

async function thumbnailsOf(
  connection: Connection,
  { groups, review }: Duplicates,
  {
    schema,
    imports,
    context,
  }: { readonly schema: string; readonly imports: readonly Import[]; readonly context: RunContext },
): Promise<{ thumbnails: ReadonlyMap<number, Uint8Array>; unknown: readonly string[] }> {
  const thumbnails = new Map<number, Uint8Array>();
  const shown = [...groups, ...review].flatMap((each) => each.files);
  const unknown: string[] = [];
  for (const name of new Set(shown.map((file) => file.import))) {
    const known = imports.find((each) => each.name === name);
    if (known === undefined || !("settings" in known)) {
      unknown.push(name);
      continue;
    }
    const { signal } = context;
    const ids = [...new Set(shown.filter((file) => file.import === name).map((file) => String(file.id)))];
    const files = await createResults(schema, name).filesOf(connection, ids);
    const origin = await withTrust(known.settings.origin, { connection, schema, signal, onNotice: () => {} });
    const made = await readThumbnails({ ...known.settings, origin }, files, {
      sizePx: THUMBNAIL_PX,
      signal,
      onProgress: (done) =>
        context.observe({ kind: "thumbnails-progress", import: name, done, total: files.length }),
    });
    for (const [id, webp] of made) thumbnails.set(Number(id), webp);
  }
  context.observe({ kind: "thumbnails-progress", import: "", done: 0, total: 0 });
  return { thumbnails, unknown };
}

async function listedImport(connection: Connection, schema: string, name: string): Promise<ListedImport> {
  const told = (await createScans(schema, name).lastOrigin(connection)) ?? "";
  // A scan is known by what people call its origin, a space, and the real path of its base; a folder is called by its path.
  const half = told.slice(0, told.length / 2);
  if (half !== "" && told === `${half} ${half}`) return { name, origin: half };
  return { name, origin: /^sftp:\/\/\S+/.exec(told)?.[0] ?? null };
}

async function requireTables(connection: Connection, schema: string): Promise<void> {
  const { rows } = await connection.query<Row & { there: boolean }>(
    "select pg_catalog.to_regclass($1) is not null as there",
    [imageTables(schema).decisions],
  );
  if (rows[0]?.there === true) return;
  throw new ConfigError({
    code: "IMAGE_UNKNOWN",
    message: `No images were ever imported into database "${connection.server.database}".`,
    hint: "`godwit import --from <folder>`; the first time: `godwit init --import`, then `godwit up`.",
  });
}
