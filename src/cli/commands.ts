/** Every command, once. Help, completion and `docs/reference/cli.md` are made from this table. */
import { OPTIONS } from "../config/options.ts";
import type { CommandRow } from "./command.ts";

/** For commands that plan what `up` does, for each of several targets. */
const PLANNING = OPTIONS.flatMap((option) => (option.forPlanning === true ? [option.key] : []));
/** What only a run on a database can do; a script for somebody else cannot. */
const LIVE = [
  "databaseUrl",
  "lockAttempts",
  "lockWait",
  "connectAttempts",
  "connectDelay",
  "pooling",
  "allowSecondLedger",
  "parallel",
  "onTargetFailure",
];
const WORDS = "a revision or the start of one";
const SQL = { syntax: "--sql", help: "print a script for psql instead; no database is needed" };
const MESSAGE = { syntax: "-m, --message <text>", help: "the name, as one text" };

export const COMMANDS: readonly CommandRow[] = [
  {
    name: "up",
    targets: "each",
    aliases: ["upgrade"],
    summary: "apply what is pending",
    arguments: [{ syntax: "[revision]", help: `how far: ${WORDS}, +2, head; everything if left out` }],
    flags: [
      SQL,
      { syntax: "--from <revision>", help: "with --sql: where that database is (base)" },
      { syntax: "--dry-run", help: "execute, roll back, and say what could not be tried" },
    ],
    honours: PLANNING,
    excludes: [
      { flag: "sql", others: ["dryRun", "onFailure", ...LIVE] },
      { flag: "dryRun", others: ["onFailure"] },
    ],
    needs: [{ flag: "from", other: "sql" }],
    examples: [
      ["godwit up", "apply everything"],
      ["godwit up +1", "apply the next one"],
      ["godwit up --phase startup", "only what must be there before a release"],
      ["godwit up backend auth", "of several configured targets, these two"],
      ["godwit up --sql --from 0007 > change.sql", "a script for somebody else to run"],
    ],
    load: () => import("./commands/up.ts"),
  },
  {
    name: "down",
    aliases: ["downgrade"],
    summary: "take migrations back",
    arguments: [{ syntax: "<revision>", help: `how far: -1, ${WORDS} (it stays), or base for everything` }],
    flags: [SQL, { syntax: "--from <revision>", help: "with --sql: where that database is (heads)" }],
    // What is taken back may have come in any phase, and is one target's.
    honours: ["onFailure"],
    excludes: [{ flag: "sql", others: ["onFailure", ...LIVE] }],
    needs: [{ flag: "from", other: "sql" }],
    examples: [
      ["godwit down -1", "take the last one back"],
      ["godwit down 0007", "back to 0007, which stays"],
      ["godwit down base", "take everything back"],
    ],
    load: () => import("./commands/down.ts"),
  },
  {
    name: "status",
    targets: "each",
    summary: "show what is applied and what is pending",
    flags: [{ syntax: "--check", help: "exit 1 when anything is pending, or an index is invalid" }],
    honours: PLANNING,
    examples: [
      ["godwit status", "all migrations and their state"],
      ["godwit status --check --quiet", "a gate for a release"],
    ],
    load: () => import("./commands/status.ts"),
  },
  {
    name: "plan",
    targets: "each",
    summary: "show what up would do, and change nothing",
    arguments: [{ syntax: "[revision]", help: "as for up; -1 and base show what down would do" }],
    honours: PLANNING,
    examples: [
      ["godwit plan", "what godwit up would do now"],
      ["godwit plan --json", "the same as data"],
    ],
    load: () => import("./commands/plan.ts"),
  },
  {
    name: "current",
    targets: "each",
    summary: "show the revision that the database is at",
    examples: [["godwit current", "one line per head of what is applied"]],
    load: () => import("./commands/current.ts"),
  },
  {
    name: "history",
    excludes: [{ flag: "log", others: ["indicateCurrent"] }],
    targets: "each",
    summary: "list all migrations in order, newest first",
    flags: [
      { syntax: "--indicate-current", help: "mark where the database is" },
      { syntax: "--log", help: "list what was done to this database instead, failures included" },
    ],
    examples: [
      ["godwit history --indicate-current", "the files, and where the database is among them"],
      ["godwit history --log", "who did what, when and from where"],
    ],
    load: () => import("./commands/history.ts"),
  },
  {
    name: "heads",
    about: "files",
    targets: "each",
    summary: "show the newest migrations of the files",
    examples: [["godwit heads", "more than one: they need godwit merge"]],
    load: () => import("./commands/heads.ts"),
  },
  {
    name: "new",
    about: "files",
    excludes: [{ flag: "sql", others: ["ts"] }],
    targets: "flag",
    aliases: ["revision"],
    summary: "make an empty migration",
    arguments: [{ syntax: "[name…]", help: "what it does, in a few words" }],
    flags: [
      MESSAGE,
      { syntax: "--ts", help: "in TypeScript" },
      { syntax: "--sql", help: "in SQL (the default, except where all others are TypeScript)" },
      { syntax: "--revises <revision>", help: "its parent in a revision graph" },
    ],
    examples: [
      ["godwit new add shop slugs", "migrations/0008_add_shop_slugs.sql"],
      ["godwit new --ts fill shop slugs", "migrations/0009_fill_shop_slugs.ts"],
    ],
    load: () => import("./commands/new.ts"),
  },
  {
    name: "merge",
    about: "files",
    targets: "flag",
    summary: "join several heads of a revision graph",
    arguments: [{ syntax: "[heads…]", help: "the heads to join; all if left out" }],
    flags: [MESSAGE],
    examples: [['godwit merge -m "chat and search"', "a migration that does nothing but revise both"]],
    load: () => import("./commands/merge.ts"),
  },
  {
    name: "baseline",
    aliases: ["stamp"],
    summary: "declare migrations as present without running them",
    description:
      "Declares a revision and all that comes before it as present, without running them: for a database that was made some other way.",
    arguments: [{ syntax: "<revision>", help: "the last one that is present, or head" }],
    flags: [
      {
        syntax: "--confirm <database>",
        help: "in this database these files have replaced all of the old ones",
      },
    ],
    examples: [
      ["godwit baseline 0007", "this database has everything up to 0007 already"],
      ["godwit baseline 0001_all --confirm shop", "after a squash: one file in the place of all that ran"],
    ],
    load: () => import("./commands/baseline.ts"),
  },
  {
    name: "adopt",
    summary: "take over what another tool has applied",
    description:
      "Reads the history table of another migration tool and writes what it has applied into our ledger, in one transaction. Nothing is run, and nothing else is changed.",
    flags: [
      { syntax: "--dry-run", help: "only show what is applied, pending, edited and missing" },
      { syntax: "--tool <name>", help: "which one counts, where several have a history" },
      { syntax: "--table <schema.table>", help: "which table counts, where one tool has several" },
      { syntax: "--assume", help: "what the tool has passed over is in the database all the same" },
    ],
    examples: [
      ["godwit adopt --dry-run", "what would be taken over"],
      ["godwit adopt", "then godwit up goes on from there"],
      ["godwit adopt --tool prisma", "a stack that came from one tool and went to another"],
    ],
    load: () => import("./commands/adopt.ts"),
  },
  {
    name: "repair",
    summary: "correct what the ledger says",
    description:
      "Corrects what the ledger says. What is in the database stays as it is; each correction is logged.",
    flags: [
      { syntax: "--accept <revision>", help: "the file was edited on purpose" },
      { syntax: "--forget <revision>", help: "it is not applied; its file is pending again" },
      { syntax: "--mark-done <revision[:n]>", help: "it (or its statement n) is complete, I looked" },
      { syntax: "--retry <revision[:n]>", help: "it (or its statement n) had no effect and may run again" },
      { syntax: "--rebuild", help: "make anew what the ledger has lost, from its log and the files" },
      { syntax: "--confirm <database>", help: "the database meant; asked for on a terminal" },
    ],
    examples: [
      ["godwit repair --accept 0007", "the text of 0007 that counts is the present one"],
      ["godwit repair --mark-done 0007:2 --confirm shop", "without a terminal"],
    ],
    load: () => import("./commands/repair.ts"),
  },
  {
    name: "import",
    excludes: [
      {
        flag: "status",
        others: ["from", "pattern", "table", "hostKey", "trustOnFirstUse", "workers", "colours"],
      },
    ],
    targets: "flag",
    summary: "bring files into the database: images with their hashes",
    description:
      "Brings the images of a folder or of a NAS into the database, each with its perceptual hashes. Only what is new or has changed is read; stopped anywhere, it goes on where it was.",
    arguments: [{ syntax: "[name]", help: "one of the configured imports; all if left out" }],
    flags: [
      {
        syntax: "--from <origin>",
        help: "a folder, or sftp://user@host:port/path, without any configuration",
      },
      { syntax: "--pattern <pattern>", help: "what its folders mean (<shop>/<template>/<file>)" },
      { syntax: "--table <name>", help: "where the rows go (design_images)" },
      { syntax: "--host-key <key>", help: "the host's key, as SHA256:… or whole" },
      { syntax: "--trust-on-first-use", help: "trust an unknown host, and remember its key" },
      { syntax: "--workers <n>", help: "processes that fetch and hash" },
      { syntax: "--status", help: "how far it is, asked from another terminal" },
      { syntax: "--colours", help: "reads those once more whose colours an earlier release did not look at" },
    ],
    examples: [
      ["godwit init --import && godwit up", "the table first"],
      ["godwit import --from ./designs", "<shop>/<template>/<file> below it"],
      [
        "godwit import --from sftp://worker@nas:22/share/Graphics",
        "with the SSH agent, a key or QNAP_PASSWORD",
      ],
      ["godwit import --status", "how far is it?"],
    ],
    load: () => import("./commands/import.ts"),
  },
  {
    name: "duplicates",
    excludes: ["keep", "distinct", "forget"].map((flag) => ({
      flag,
      others: ["html", "kind", "limit", "offset", "all", "from"],
    })),
    targets: "flag",
    summary: "list what is there twice, and remember what was decided about it",
    description:
      "Lists imported images that are the same: byte for byte, the same design in another format or size, and near ones for a person to look at. What was decided is never asked again.",
    arguments: [{ syntax: "[name]", help: "with --from: the import whose pictures are there" }],
    flags: [
      { syntax: "--html [file]", help: "a contact sheet with pictures (duplicates.html)" },
      { syntax: "--kind <kinds…>", help: "exact, same, review" },
      { syntax: "--limit <n>", help: "how many groups (50; on a sheet 200)" },
      { syntax: "--offset <n>", help: "after so many" },
      { syntax: "--all", help: "also groups in which all is decided" },
      {
        syntax: "--keep <images…>",
        help: "the first is kept; those named after it, or else all of its group, are its copies",
      },
      { syntax: "--distinct <images…>", help: "these are no duplicates of each other" },
      { syntax: "--forget <images…>", help: "as if nothing had been decided about them" },
      { syntax: "--from <origin>", help: "where the pictures are, for an import that is not configured" },
    ],
    examples: [
      ["godwit duplicates", "the groups that nobody has decided about"],
      ["godwit duplicates --html", "the same with pictures, to look at in a browser"],
      ["godwit duplicates --keep 12", "12 stays, the others of its group are copies"],
      ["godwit duplicates --distinct 12 15", "two designs: never asked again"],
    ],
    load: () => import("./commands/duplicates.ts"),
  },
  {
    name: "doctor",
    targets: "each",
    summary: "look for what is wrong, and show where each setting came from",
    examples: [["godwit doctor", "the first thing to run when something is odd"]],
    load: () => import("./commands/doctor.ts"),
  },
  {
    name: "init",
    about: "files",
    honours: ["databaseUrl"],
    targets: "flag",
    summary: "make a folder, a configuration and a first migration",
    flags: [{ syntax: "--import", help: "the migration that makes the table for imported images" }],
    examples: [["godwit init", "leaves alone what is there"]],
    load: () => import("./commands/init.ts"),
  },
  {
    name: "build",
    about: "files",
    targets: "flag",
    summary: "freeze all migrations into a bundle that needs no compiler",
    arguments: [{ syntax: "[folder]", help: "where to put it (dist/migrations)" }],
    examples: [["godwit build dist/migrations", "then run godwit up --dir dist/migrations in the image"]],
    load: () => import("./commands/build.ts"),
  },
  {
    name: "completion",
    about: "nothing",
    targets: "none",
    summary: "print the completion script of a shell",
    arguments: [{ syntax: "<shell>", help: "bash, zsh or fish" }],
    examples: [
      ["source <(godwit completion bash)", "in ~/.bashrc"],
      ["godwit completion fish > ~/.config/fish/completions/godwit.fish", "once"],
    ],
    load: () => import("./commands/completion.ts"),
  },
];
