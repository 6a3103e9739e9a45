import { DatabaseError } from "../../../errors.ts";

/** What fails is not the author's statement, so that a position in it would point anywhere. */
export function unplaced(error: unknown): never {
  throw error instanceof DatabaseError ? error.withoutPosition() : error;
}
