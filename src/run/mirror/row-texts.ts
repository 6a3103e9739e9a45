/**
 * Reads the texts that a tool has kept of what it applied. They tell which file without a row is a row without a file
 * under another name. They are read only where both exist, because all texts of a long history are large.
 */
import { fingerprint } from "../../core/checksum.ts";
import type { Connection, Row } from "../../database/connection.ts";
import type { RecordedHistory } from "../../ledger/ledger.ts";
import type { Listing } from "../../source/source.ts";
import type { ToolHistory } from "../../tools/tool.ts";
import { type FoundHistory, sideBySide } from "./histories.ts";

/** The same history. Rows without a file have the fingerprint of their text. */
export async function withTexts(
  connection: Connection,
  found: FoundHistory,
  { files, history }: { readonly files: Listing; readonly history: RecordedHistory },
): Promise<FoundHistory> {
  const { applied, missing } = sideBySide(found, files.migrations);
  const known = new Set([...history.entries.map(({ revision }) => revision), ...applied.map(({ id }) => id)]);
  const alone = missing.filter(({ name }) => !known.has(name));
  if (alone.length === 0 || files.migrations.every(({ id }) => known.has(id))) return found;
  const keys = alone.flatMap((row) => row.keys);
  const query = found.tool.texts?.(found.table, keys) ?? null;
  if (query === null) return found;
  const { rows } = await connection.query<TextOf>(query);
  const texts = new Map(rows.map(({ key, text }) => [key, text]));
  const textOf = (key: string | undefined) => (key === undefined ? undefined : texts.get(key));
  const read: ToolHistory = {
    ...found.history,
    rows: found.history.rows.map((row) => {
      const text = textOf(row.keys.find((key) => texts.has(key)));
      return text === undefined ? row : { ...row, fingerprints: fingerprintsOf(text) };
    }),
  };
  return { ...found, history: read };
}

interface TextOf extends Row {
  readonly key: string;
  readonly text: string;
}

/** Files end with a semicolon or without one. */
function fingerprintsOf(text: string): readonly string[] {
  const bare = text.replace(/[;\s]+$/, "");
  return bare === "" ? [] : [fingerprint(bare), fingerprint(`${bare}\n;`)];
}
