/** What differs between the versions of the server that the tests run on. */
import { inject } from "vitest";

export function majorVersion(): number {
  return Number.parseInt(inject("postgres").version, 10);
}

/** For `create database`: a copy of files is faster than one through the log, and older servers know no other. */
export function asFiles(): string {
  return majorVersion() >= 15 ? "strategy file_copy" : "";
}
