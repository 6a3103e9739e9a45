/**
 * Makes the schema that SQL files describe, in an empty database. The files may stand in any order, and so may the statements:
 * one that fails is tried again as long as others succeed. A role that is missing is made, because roles belong to the server.
 */
import { identifier } from "../core/sql/quote.ts";
import { splitStatements } from "../core/sql/statements.ts";
import type { Connection } from "../database/connection.ts";
import { DatabaseError, type Place, SourceError } from "../errors.ts";
import { codePointOffset, locate } from "../std/text.ts";

export interface SchemaFile {
  /** As it is shown. */
  readonly name: string;
  readonly text: string;
}

/** Throws `SourceError` `SCHEMA_FILE_FAILED` for the first statement that cannot be carried out. */
export async function loadSchema(connection: Connection, files: readonly SchemaFile[]): Promise<void> {
  let left = files.flatMap((file) =>
    splitStatements(file.text)
      // A command of psql, as dumps have them.
      .filter(({ text }) => !text.startsWith("\\"))
      .map((statement) => ({ ...statement, file })),
  );
  while (left.length > 0) {
    const failed: { readonly statement: (typeof left)[number]; readonly error: DatabaseError }[] = [];
    for (const statement of left) {
      const error = await failureOf(connection, statement.text);
      if (error !== null) failed.push({ statement, error });
    }
    const [first] = failed;
    if (first !== undefined && failed.length === left.length) {
      const { file, start } = first.statement;
      throw broken(placeIn(file, start + (first.error.position ?? 1) - 1), first.error);
    }
    left = failed.map(({ statement }) => statement);
  }
}

const MISSING_OBJECT = "42704";

async function failureOf(connection: Connection, text: string): Promise<DatabaseError | null> {
  try {
    await connection.execute(text, { rows: "discard" });
    return null;
  } catch (error) {
    if (!(error instanceof DatabaseError) || connection.lost.aborted) throw error;
    // The scratch server speaks English.
    const [, role] = /^role "(.+)" does not exist$/.exec(error.message) ?? [];
    if (error.sqlState !== MISSING_OBJECT || role === undefined) return error;
    await connection.execute(`create role ${identifier(role)}`);
    return failureOf(connection, text);
  }
}

function placeIn({ name, text }: SchemaFile, offset: number): Place {
  const { line, column, excerpt } = locate(text, codePointOffset(text, offset) + 1);
  return { file: name, line, column, excerpt };
}

function broken(place: Place, error: DatabaseError): SourceError {
  return new SourceError(
    [
      {
        code: "SCHEMA_FILE_FAILED",
        message: `The desired schema cannot be made: ${error.message}`,
        hint: "Correct the statement, or add what it needs to the files of the schema.",
        place,
      },
    ],
    { cause: error },
  );
}
