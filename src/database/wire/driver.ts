/** What we use of the `pg` driver beyond its types. */
import type { Socket } from "node:net";
import type { Client as PgClient } from "pg";
import type { ExecuteOptions, Result } from "../connection.ts";
import type { Link } from "./link.ts";
import type { TypeParser } from "./script-query.ts";

/** An answer of the driver whose values are left as text. */
export interface RawAnswer {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
  readonly rows: readonly (readonly (string | null)[])[];
  readonly rowCount?: number | null;
  readonly command?: string | null;
}

/** Leaves each value as the text that the server sent. */
export const AS_TEXT = { getTypeParser: () => (text: string) => text };

/** The types of the parameters of a statement, which is not run. */
export function describeParameters(
  { client, DescribeQuery }: Link,
  text: string,
): Promise<readonly number[]> {
  return new Promise((resolve, reject) => {
    const settle = (error: unknown, typeIds: readonly number[]) =>
      error === null ? resolve(typeIds) : reject(error);
    client.query(new DescribeQuery(text, settle) as never);
  });
}

/** Sends several statements as one message. One result for each. */
export function runScript(
  { client, ScriptQuery }: Link,
  text: string,
  options?: ExecuteOptions,
): Promise<readonly Result[]> {
  return new Promise((resolve, reject) => {
    const parserOf = ({ dataTypeID, format }: { dataTypeID: number; format: "text" | "binary" }) =>
      client.getTypeParser(dataTypeID, format) as TypeParser;
    const settle = (error: unknown, results: readonly Result[]) =>
      error === null ? resolve(results) : reject(error);
    client.query(new ScriptQuery(text, parserOf, settle, options) as never);
  });
}

/** Whether the open socket keeps the process alive. */
export function refOf(client: PgClient): { ref(): void; unref(): void } {
  return client as unknown as { ref(): void; unref(): void };
}

interface Wire {
  readonly stream: Socket;
  on(event: "parameterStatus", listener: (status: Status) => void): void;
}

interface Status {
  readonly parameterName: string;
  readonly parameterValue: string;
}

export function wireOf(client: PgClient): Wire {
  return (client as unknown as { connection: Wire }).connection;
}

export function streamOf(client: PgClient): Socket {
  return wireOf(client).stream;
}
