/** What a command that we name must say beside its words, to be about the project and the target of this one. */
import { relative } from "node:path";
import type { Config } from "../config/config.ts";
import { shellWord } from "../std/shell-word.ts";

/**
 * Each with a space before it. Only what was given as a flag is said again: the environment and the file are there for the
 * next command too. Never the address of the database, which may hold a password.
 */
export function projectFlagsOf({ values, provenances, folder, target }: Config): string {
  const given = [
    { key: "dir", flag: "--dir", value: relative(process.cwd(), folder) || "." },
    { key: "layout", flag: "--layout", value: values.layout },
    { key: "ledgerSchema", flag: "--ledger-schema", value: values.ledgerSchema },
  ] as const;
  return [
    ...given.flatMap(({ key, flag, value }) =>
      provenances[key].kind === "flag" && value !== null ? [flag, shellWord(value)] : [],
    ),
    ...(target === null ? [] : ["--target", shellWord(target.name)]),
  ]
    .map((word) => ` ${word}`)
    .join("");
}
