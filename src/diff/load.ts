/**
 * Makes the schema that SQL files describe, in an empty database. The files may stand in any order, and so may the statements:
 * one that fails is tried again as long as others succeed. A role that is missing is made, because roles belong to the server.
 * For the same reason a file that makes or changes one is refused: no comparison of databases sees it.
 */
import { identifier } from "../core/sql/quote.ts";
import { splitStatements } from "../core/sql/statements.ts";
import type { Connection } from "../database/connection.ts";
import { DatabaseError, type Place, SourceError } from "../errors.ts";
import { codePointOffset, locate } from "../std/text.ts";
import { serverWide } from "./server-wide.ts";
import { carriedTogether, portionsOf } from "./together.ts";

export interface SchemaFile {
  /** As it is shown. */
  readonly name: string;
  readonly text: string;
}

interface Loading {
  /** As messages name it. */
  readonly what?: string;
}

/**
 * Nobody else uses the server. Throws `SourceError` `SCHEMA_FILE_FAILED` for the first statement that cannot be carried out, and
 * for one that changes what belongs to the server.
 */
export async function loadSchema(
  connection: Connection,
  files: readonly SchemaFile[],
  { what = "desired schema" }: Loading = {},
): Promise<void> {
  const before = await serverWide(connection);
  const made = await carryOut(connection, files, { what });
  const after = await serverWide(connection);
  const changed = [...new Set([...before.keys(), ...after.keys()])].find(
    (name) =>
      before.get(name)?.is !== after.get(name)?.is &&
      !(name.startsWith("role ") && made.has(after.get(name)?.role ?? "")),
  );
  if (changed === undefined) return;
  const role = after.get(changed)?.role ?? before.get(changed)?.role ?? "";
  const speaking = statementsOf(files).filter(({ text }) => OF_SERVER.test(text));
  const named = speaking.find(({ text }) => text.replaceAll('""', '"').includes(role));
  const place = named ?? (speaking.length === 1 ? speaking[0] : undefined);
  throw ofTheServer(
    `The ${what} makes or changes ${changed}, which belongs`,
    place === undefined ? undefined : placeIn(place.file, place.start),
  );
}

/** Returns the roles that were missing. */
export async function carryOut(
  connection: Connection,
  files: readonly SchemaFile[],
  { what = "desired schema" }: Loading = {},
): Promise<ReadonlySet<string>> {
  const made = new Set<string>();
  let left = statementsOf(files).filter((one) => !isPassedOver(one));
  while (left.length > 0) {
    const failed: { readonly statement: (typeof left)[number]; readonly error: DatabaseError }[] = [];
    for (const portion of portionsOf(left, ({ text }) => MAY_SHARE.test(text))) {
      const texts = portion.map(({ text }) => text);
      if (await carriedTogether(connection, texts)) continue;
      for (const statement of portion) {
        const error = await failureOf(connection, statement.text, made);
        if (error !== null) failed.push({ statement, error });
      }
    }
    const [first] = failed;
    if (first !== undefined && failed.length === left.length) {
      const { file, start } = first.statement;
      if (first.error.sqlState === DUPLICATE_OBJECT && /^role "/.test(first.error.message))
        throw ofTheServer(`${first.error.message}, and roles belong`, placeIn(file, start));
      throw broken(placeIn(file, start + (first.error.position ?? 1) - 1), { what, error: first.error });
    }
    left = failed.map(({ statement }) => statement);
  }
  return made;
}

function statementsOf(files: readonly SchemaFile[]) {
  return files.flatMap((file) => splitStatements(file.text).map((statement) => ({ ...statement, file })));
}

/** Commands of psql that change nothing of what a file describes. Dumps have the first two. */
const PASSED_OVER = /^\\(?:restrict|unrestrict|echo|qecho|warn|pset|timing|set|unset|encoding)\b/;

function isPassedOver({ text, start, file }: ReturnType<typeof statementsOf>[number]): boolean {
  if (!text.startsWith("\\")) return false;
  if (PASSED_OVER.test(text)) return true;
  throw new SourceError([
    {
      code: "SCHEMA_FILE_FAILED",
      message: `${text.split(/\s/)[0]} is a command that only psql carries out, and what it would read or change is not known here.`,
      hint: "Leave it out. Files that it reads can be given themselves, or as a folder.",
      place: placeIn(file, start),
    },
  ]);
}

/** The others may end a transaction, or say how the rest of a message is read. */
const MAY_SHARE = /^(?:alter|comment|create|drop|grant|revoke)\b/i;

const OF_SERVER = /\b(?:create|alter|drop)\s+(?:role|user|group|database)\b|\b(?:grant|revoke)\b/i;

const MISSING_OBJECT = "42704";
const DUPLICATE_OBJECT = "42710";

async function failureOf(
  connection: Connection,
  text: string,
  made: Set<string>,
): Promise<DatabaseError | null> {
  try {
    await connection.execute(text, { rows: "discard" });
    return null;
  } catch (error) {
    if (!(error instanceof DatabaseError) || connection.lost.aborted) throw error;
    // The scratch server speaks English.
    const [, role] = /^role "(.+)" does not exist$/.exec(error.message) ?? [];
    if (error.sqlState !== MISSING_OBJECT || role === undefined) return error;
    await connection.execute(`create role ${identifier(role)}`);
    made.add(role);
    return failureOf(connection, text, made);
  }
}

function placeIn({ name, text }: SchemaFile, offset: number): Place {
  const { line, column, excerpt } = locate(text, codePointOffset(text, offset) + 1);
  return { file: name, line, column, excerpt };
}

function broken(
  place: Place,
  { what, error }: { readonly what: string; readonly error: DatabaseError },
): SourceError {
  return new SourceError(
    [
      {
        code: "SCHEMA_FILE_FAILED",
        message: `The ${what} cannot be made: ${error.message}`,
        hint: "Correct the statement, or add what it needs to the files of the schema.",
        place,
      },
    ],
    { cause: error },
  );
}

function ofTheServer(what: string, at: Place | undefined): SourceError {
  // Without the line: it may hold a password.
  const place = at === undefined ? undefined : { file: at.file, line: at.line, column: at.column };
  return new SourceError([
    {
      code: "SCHEMA_FILE_FAILED",
      message: `${what} to the server and not to a database: a diff makes none.`,
      hint: "Make it on the server, and leave the statement out of the schema. A role that an owner or a grant names needs no statement here.",
      ...(place === undefined ? {} : { place }),
    },
  ]);
}
