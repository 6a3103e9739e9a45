/** What a changeset says beside its SQL, and what of that is not done here. Pure. */
import type { Changeset } from "./liquibase-sql-changeset.ts";

const FLAGS = [
  ...["runOnChange", "runAlways", "runInTransaction", "failOnError", "ignore"],
  ...["splitStatements", "stripComments", "rollbackSplitStatements"],
];
/** Attributes that the tool does not accept in quotes. */
const PLAIN = [...FLAGS, "dbms", "endDelimiter", "rollbackEndDelimiter", "logicalFilePath", "runWith"];

/** The first unsupported part, worded for a message about the changeset. `null`: everything is supported. */
export function whyNot({ attributes, written, precondition }: Changeset): string | null {
  for (const name of ["context", "contextFilter", "labels"]) {
    const value = attributes.get(name.toLowerCase());
    if (value) return `${name}:${value}, and the files do not say which of them apply`;
  }
  if (precondition !== null) return `a precondition (\`${precondition}\`), and none is checked`;
  const misread = PLAIN.find((name) =>
    new RegExp(String.raw`(?<![\w-])${name}:(?:["'\s]|$)`, "i").test(written),
  );
  if (misread !== undefined)
    return `${misread} with quotes or a blank behind the colon, which Liquibase does not read`;
  for (const name of FLAGS) {
    const value = attributes.get(name.toLowerCase());
    if (value !== undefined && !/^(?:true|false)$/i.test(value))
      return `${name}:${value}, which is neither true nor false`;
  }
  const dbms = attributes.get("dbms");
  if (dbms !== undefined && !isPlainDbms(dbms)) return `dbms:${dbms}, which Liquibase reads in another way`;
  if (attributes.get("runalways")?.toLowerCase() === "true") return "runAlways:true";
  if (attributes.get("failonerror")?.toLowerCase() === "false")
    return "failOnError:false, and an error is an error";
  const runner = attributes.get("runwith") ?? "jdbc";
  if (runner.toLowerCase() !== "jdbc") return `runWith:${runner}`;
  const delimiter = attributes.get("enddelimiter") ?? "";
  return delimiter.includes("$") && delimiter !== "$"
    ? `the delimiter ${delimiter}, which could be a quote`
    : null;
}

/** Whether it is a list in the form that the tool reads in the line of a changeset. */
export function isPlainDbms(dbms: string): boolean {
  return /^[\w!][\w!,]*$/.test(dbms);
}

export function isForUs(dbms: string | undefined): boolean {
  const names = (dbms ?? "")
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (names.length === 0 || names.includes("all")) return true;
  if (names.includes("none") || names.includes("!postgresql")) return false;
  return names.includes("postgresql") || names.every((name) => name.startsWith("!"));
}
