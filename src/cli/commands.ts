/** Every command, once. Help, completion and `docs/reference/cli.md` are made from this table. */
import type { CommandRow } from "./command.ts";

const REVISION = "a revision (or the start of one), +2, -1, head, base";

export const COMMANDS: readonly CommandRow[] = [
  {
    name: "up",
    aliases: ["upgrade"],
    summary: "apply what is pending",
    arguments: [{ syntax: "[revision]", help: `how far: ${REVISION}; everything if left out` }],
    flags: [
      { syntax: "--sql", help: "print a script for psql instead; no database is needed" },
      { syntax: "--from <revision>", help: "with --sql: where that database is" },
      { syntax: "--dry-run", help: "execute, roll back, and say what could not be tried" },
    ],
    plans: true,
    examples: [
      ["godwit up", "apply everything"],
      ["godwit up +1", "apply the next one"],
      ["godwit up --phase startup", "only what must be there before a release"],
      ["godwit up --sql --from 0007 > change.sql", "a script for somebody else to run"],
    ],
    load: () => import("./commands/up.ts"),
  },
  {
    name: "status",
    summary: "show what is applied and what is pending",
    flags: [{ syntax: "--check", help: "exit 1 when anything is pending" }],
    plans: true,
    examples: [
      ["godwit status", ""],
      ["godwit status --check --quiet", "a gate for a release"],
    ],
    load: () => import("./commands/status.ts"),
  },
];
