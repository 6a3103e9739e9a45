/**
 * `\restrict` and `\unrestrict`, which pg_dump writes around a script since 2025 (CVE-2025-8714). They tell psql to take no
 * other command from the script. The server never sees them, and we take no command of psql at all.
 */
import { splitStatements } from "./statements.ts";
import { blanked } from "./units.ts";

const LINE = /^\\(?:un)?restrict\b/m;
const COMMAND = /^\\(?:un)?restrict\s+[A-Za-z0-9]+$/;

/** The text with blanks in their place, so that lines and offsets stay. */
export function withoutRestrict(text: string): string {
  if (!LINE.test(text)) return text;
  const commands = splitStatements(text).filter((statement) => COMMAND.test(statement.text));
  return blanked(text, commands);
}
