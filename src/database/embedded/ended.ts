/**
 * A connection to a scratch server whose run has been told to end: whatever is under way there, nothing of it is worth waiting for.
 * A statement that was cancelled instead would look like one that the server refuses, and the next one would be tried.
 */
import { orAbort } from "../../std/time.ts";
import type { Connection } from "../connection.ts";
import { aroundAnswers } from "./around.ts";

export function endedConnection(connection: Connection, signal: AbortSignal): Connection {
  return aroundAnswers(connection, (ask) =>
    signal.aborted ? Promise.reject(signal.reason) : orAbort(ask(), signal),
  );
}
