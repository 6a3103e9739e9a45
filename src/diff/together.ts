/**
 * Statements in one message, which is a transaction of its own. A message that fails leaves nothing behind, so its statements can be
 * sent one by one, and who is refused is then known.
 */
import type { Connection } from "../database/connection.ts";

/** A message that fails is work done twice, so it does not have all of them. */
const AT_MOST = 100;

/** Neighbours that may share a message stand in one portion, in their order. */
export function portionsOf<T>(
  statements: readonly T[],
  mayShare: (statement: T) => boolean,
): readonly (readonly T[])[] {
  const portions: T[][] = [];
  let open = false;
  for (const statement of statements) {
    const shares = mayShare(statement);
    const last = portions.at(-1);
    if (open && shares && last !== undefined && last.length < AT_MOST) last.push(statement);
    else portions.push([statement]);
    open = shares;
  }
  return portions;
}

/** All of them, or none. `false`: none was carried out. A statement alone is not tried here. */
export async function carriedTogether(connection: Connection, texts: readonly string[]): Promise<boolean> {
  if (texts.length < 2) return false;
  try {
    // A text may end with a comment.
    await connection.execute(texts.join("\n;\n"), { rows: "discard" });
    return true;
  } catch (error) {
    if (connection.lost.aborted) throw error;
    return false;
  }
}
