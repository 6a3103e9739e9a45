/** The table of all commands. Help, completion and `docs/reference/cli.md` are made from it. */
import { OPTIONS, type OptionKey } from "../config/options.ts";
import type { CommandRow } from "./command.ts";

/** Options of commands that plan what `up` does, for each of several targets. */
const PLANNING = OPTIONS.flatMap((option) => (option.forPlanning === true ? [option.key] : []));
/** Flags that need a run on a database. A script for somebody else cannot have them. */
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
/** What an import of files is given, wherever it runs. */
const IMPORTING: readonly OptionKey[] = ["newOrigin", "allowMissing", "followLinks"];
/** What the migrations beside an app are given as if `up` had been typed, and what is for `run` alone. */
const GOING_ON: readonly OptionKey[] = [
  "rollbackOnFailure",
  "requireNoDrift",
  "maxRisk",
  "until",
  "waitForBackfills",
  "backfillParallel",
];
const BESIDE_APP = OPTIONS.flatMap((option) => (option.forRun === true ? [option.key] : []));
const SERVICE: readonly OptionKey[] = [
  "healthPort",
  "healthHost",
  "healthName",
  "healthToken",
  "statusFile",
  "service",
];
/** What decides which migrations are in a plan, and what refuses one. */
const DECIDING: readonly OptionKey[] = ["mode", "phase", "contract", "onFailure", "outOfOrder"];
const WORDS = "a revision or the start of one";
const SQL = { syntax: "--sql", help: "print a script for psql instead; needs no database" };
const EXCLUDE = {
  syntax: "--exclude <pattern…>",
  help: "tables that are not compared: spatial_ref_sys, audit.*",
};
const RENAME = {
  syntax: "--rename <names…>",
  help: "names that are other ones in the desired schema: old_table=new_table, table.old=new",
};
const MESSAGE = { syntax: "-m, --message <text>", help: "the name, as one text" };

/** Files for a deployment: the flag of `init`, and its key. */
const DEPLOYMENT = [
  { flag: "docker", key: "docker", help: "write a Dockerfile for an image that migrates" },
  { flag: "compose", key: "compose", help: "write a compose file: database, migrations, app" },
  { flag: "kubernetes", key: "kubernetes", help: "write a Job, an init container, and an app beside it" },
  { flag: "helm", key: "helm", help: "write the hooks of a Helm chart" },
  { flag: "argo", key: "argo", help: "write the hooks of a sync of Argo CD" },
  { flag: "railway", key: "railway", help: "write railway.json for a worker that migrates" },
  {
    flag: "github-actions",
    key: "githubActions",
    help: "write a workflow that tries migrations on a pull request",
  },
] as const;

export const COMMANDS: readonly CommandRow[] = [
  {
    name: "up",
    changes: "continues",
    changesWith: { dryRun: "once", sql: "nothing" },
    tells: true,
    targets: "each",
    aliases: ["upgrade"],
    summary: "apply what is pending",
    arguments: [{ syntax: "[revision]", help: `how far: ${WORDS}, +2, or head; everything if omitted` }],
    flags: [
      SQL,
      { syntax: "--from <revision>", help: "with --sql: the revision that the database is at (base)" },
      { syntax: "--dry-run", help: "execute, roll back, and say what could not be tried" },
    ],
    honours: [...PLANNING, ...GOING_ON, ...IMPORTING, "lockWait"],
    excludes: [
      {
        flag: "sql",
        others: ["dryRun", "onFailure", ...GOING_ON, ...IMPORTING, ...LIVE],
      },
      { flag: "dryRun", others: ["onFailure", ...GOING_ON] },
    ],
    needs: [{ flag: "from", other: "sql" }],
    examples: [
      ["godwit up", "apply everything"],
      ["godwit up +1", "apply the next one"],
      ["godwit up --phase startup", "only what must be there before a release"],
      ["godwit up --rollback-on-failure", "all of it, or nothing"],
      ["godwit up --max-risk brief", "nothing that blocks others for longer than a moment"],
      ["godwit up --until 06:00", "backfills end for now at six, and the next run goes on"],
      ["godwit up --wait-for-backfills", "also what waits for a backfill of another run"],
      ["godwit up backend auth", "only these two of several configured targets"],
      ["godwit up --sql --from 0007 > change.sql", "a script for another person to run"],
    ],
    load: () => import("./commands/up.ts"),
  },
  {
    name: "run",
    changes: "continues",
    tells: true,
    targets: "none",
    stays: true,
    startsApp: true,
    summary: "start an app, and migrate beside it",
    description:
      "Starts an app and the migrations side by side. The app's streams, exit code and signals are its own. Migrations that fail, hang or are killed never take the app down.",
    flags: [{ syntax: "--wait", help: "start the app when the migrations have ended, however they ended" }],
    honours: [
      ...PLANNING,
      ...GOING_ON,
      ...IMPORTING,
      ...BESIDE_APP,
      ...SERVICE,
      "lockWait",
      "target",
      "timeout",
    ],
    examples: [
      ["godwit run -- node server.js", "both at once"],
      ["godwit run --wait -- node server.js", "the app when the migrations have ended"],
      ["godwit run --health-port 9187 -- node server.js", "and answer for the migrations"],
      ["godwit run --environments preview,production -- node server.js", "where NODE_ENV is one of these"],
    ],
    load: () => import("./commands/run.ts"),
  },
  {
    name: "dev",
    targets: "none",
    stays: true,
    summary: "a database for development, which follows the files",
    description:
      "Keeps the embedded PostgreSQL up, prints its URL, and applies what is pending. On a terminal it then watches the migrations: the newest one is taken back and runs again whenever its file changes. Ctrl-C ends all of it. It is refused in production, and wherever a database of your own is configured.",
    flags: [
      { syntax: "--reset", help: "make the database anew first, without what is in it" },
      {
        syntax: "--confirm <database>",
        help: "with --reset: the name of the database; asked for on a terminal",
      },
      { syntax: "--watch", help: "watch the migrations, also without a terminal" },
      { syntax: "--once", help: "apply what is pending once, and only keep the server up" },
    ],
    honours: ["contract", "phase", "mode", "outOfOrder", "backfillParallel", "lockWait"],
    excludes: [{ flag: "once", others: ["watch"] }],
    needs: [{ flag: "confirm", other: "reset" }],
    examples: [
      ["godwit dev", "a server, a URL, and a database that follows the files"],
      ["godwit dev --reset", "the same, from an empty database"],
      ["godwit dev --once --json", "for a script, which reads the URL from the document"],
    ],
    load: () => import("./commands/dev.ts"),
  },
  {
    name: "down",
    changes: "continues",
    changesWith: { sql: "nothing" },
    tells: true,
    aliases: ["downgrade"],
    summary: "revert migrations",
    arguments: [
      { syntax: "<revision>", help: `how far: -1, ${WORDS} (which stays applied), or base for everything` },
    ],
    flags: [
      SQL,
      { syntax: "--from <revision>", help: "with --sql: the revision that the database is at (heads)" },
    ],
    // `down` reverts revisions of any phase, and is about one target.
    honours: ["onFailure", "until", "lockWait"],
    excludes: [{ flag: "sql", others: ["onFailure", "until", ...LIVE] }],
    needs: [{ flag: "from", other: "sql" }],
    examples: [
      ["godwit down -1", "revert the last one"],
      ["godwit down 0007", "go back to 0007, which stays applied"],
      ["godwit down base", "revert everything"],
    ],
    load: () => import("./commands/down.ts"),
  },
  {
    name: "status",
    changes: "nothing",
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
    changes: "nothing",
    targets: "each",
    summary: "show what up would do, and change nothing",
    arguments: [{ syntax: "[revision]", help: "as for up; -1 and base show what down would do" }],
    flags: [
      {
        syntax: "--sample",
        help: "try a window of each backfill, roll it back, and estimate its duration and WAL; its rows are locked for at most 2s, and used numbers of sequences are gone",
      },
      {
        syntax: "--rehearse",
        help: "run it on a scratch server first, and show locks, risk and the safer way of each statement",
      },
      { syntax: "--calibration", help: "how good the predictions of earlier runs were" },
      { syntax: "--markdown", help: "with --rehearse: as a comment for a pull request" },
    ],
    honours: PLANNING,
    excludes: [{ flag: "calibration", others: ["rehearse", "sample", ...DECIDING] }],
    needs: [{ flag: "markdown", other: "rehearse" }],
    examples: [
      ["godwit plan", "what godwit up would do now"],
      ["godwit plan --rehearse", "what it locks, how large that is, and who is in its way now"],
      ["godwit plan --rehearse --markdown", "the same as a comment for a pull request"],
      ["godwit plan --json", "the same as data"],
      ["godwit plan --sample", "how long the backfills will take"],
    ],
    load: () => import("./commands/plan.ts"),
  },
  {
    name: "lint",
    changes: "nothing",
    targets: "none",
    honours: ["target"],
    summary: "find what is dangerous in migrations, and run nothing",
    description:
      "Reads what is pending or changed, and names what would block an app, fail or lose data, with the safer way to write it. All files are read where no database is reached. It uses the rules of Squawk where that is installed, and rules of its own. If several targets are configured, one report is about the folders of all of them, or of those that --target names. Exits 1 if anything is at least a warning.",
    arguments: [{ syntax: "[files…]", help: "files or ids to lint, whatever is applied" }],
    flags: [
      { syntax: "--all", help: "lint all files, and ask no database" },
      { syntax: "--level <level>", help: "exit 1 from this level on: error, warning or hint (warning)" },
      { syntax: "--format <format>", help: "text, json, sarif or github (text)" },
      { syntax: "--postgres-version <version>", help: "the version that must understand it (the target's)" },
      { syntax: "--rules", help: "list all rules and their levels instead" },
    ],
    excludes: [{ flag: "rules", others: ["all", "level", "postgresVersion"] }],
    examples: [
      ["godwit lint", "what is pending or changed"],
      ["godwit lint migrations/0008_add_slugs.sql", "one file, without a database"],
      ["godwit lint --all --format sarif > lint.sarif", "for code scanning"],
      ["godwit lint --format github", "annotations in a pull request"],
    ],
    load: () => import("./commands/lint.ts"),
  },
  {
    name: "rehearse",
    changes: "nothing",
    targets: "each",
    summary: "run what up would do on a scratch server, and show the locks",
    description:
      "Starts a PostgreSQL of its own in a temporary folder, copies the target's schema there, carries out the plan, and says of each statement which locks it takes, how long they are held, what it writes anew or reads as a whole, and the safer way. The target is only read. Exits 1 if a statement fails.",
    arguments: [{ syntax: "[revision]", help: "as for up; -1 and base rehearse what down would do" }],
    honours: PLANNING,
    examples: [
      ["godwit rehearse", "what is pending, on the embedded PostgreSQL"],
      ["godwit rehearse --json", "the same as data, for a check of pull requests"],
    ],
    load: () => import("./commands/rehearse.ts"),
  },
  {
    name: "test",
    changes: "nothing",
    targets: "flag",
    summary: "run every migration up, down and up again on a scratch server",
    description:
      "Starts a PostgreSQL of its own in a temporary folder and runs the migrations there, in their order: each goes up, down and up again, and the schema must come back equal. 0003_slugs.test.sql beside 0003_slugs.sql puts rows in between and says what must hold, in sections `-- before`, `-- after` and `-- reverted`. Migrations without a way back go up only, and that is said. A configured database is only asked for its version. Exits 1 if a migration fails.",
    arguments: [{ syntax: "[revision]", help: `test only this one: ${WORDS}` }],
    examples: [
      ["godwit test", "every migration, from an empty database"],
      ["godwit test 0003", "the ones before it only go up"],
    ],
    load: () => import("./commands/test.ts"),
  },
  {
    name: "drift",
    changes: "nothing",
    changesWith: { accept: "once" },
    targets: "each",
    summary: "show what was changed by hand since the last run",
    description:
      "Compares the schema of the database with the snapshot that the last run has kept, and names each difference. Changes nothing. Exits 0 if there is no difference, and 1 if there is one. With --files or --sql, the migrations that are applied are applied once more on a PostgreSQL of its own in a temporary folder.",
    flags: [
      { syntax: "--accept", help: "keep the schema as it is now, for later comparisons" },
      { syntax: "--files", help: "compare with what the applied migrations make, not with the snapshot" },
      { syntax: "--sql", help: "print the SQL that undoes the differences, and the SQL that adopts them" },
    ],
    honours: ["lockWait"],
    excludes: [{ flag: "accept", others: ["files", "sql"] }],
    needs: [{ flag: "lockWait", other: "accept" }],
    examples: [
      ["godwit drift", "what is different, and how"],
      ["godwit drift --json", "the same as data"],
      ["godwit drift --sql", "how to undo or adopt it"],
      ["godwit drift --files", "what differs from the migrations"],
      ["godwit drift --accept", "what was done by hand is right"],
    ],
    load: () => import("./commands/drift.ts"),
  },
  {
    name: "diff",
    changes: "nothing",
    targets: "flag",
    summary: "print the SQL from one schema to another",
    description:
      "Makes both schemas on a PostgreSQL of its own in a temporary folder, finds the statements, carries them out there, and compares. Statements that are not proven are not printed. Databases that are named are only read. A schema is the migrations, the configured database, a URL, a file or folder of SQL, or what Drizzle, Prisma or SQLAlchemy export.",
    flags: [
      {
        syntax: "--from <schema>",
        help: "migrations (the default), database, a URL, a path of SQL, or of an ORM",
      },
      { syntax: "--to <schema>", help: "the desired one, named likewise (default: desiredSchema)" },
      EXCLUDE,
      RENAME,
      { syntax: "--down", help: "print the way back instead" },
      { syntax: "--exit-code", help: "exit 1 if they differ" },
    ],
    examples: [
      ["godwit diff --to schema.sql", "what a migration would have to do"],
      [
        "godwit diff --from database --to migrations --exit-code",
        "whether the database is what the files make",
      ],
    ],
    load: () => import("./commands/diff.ts"),
  },
  {
    name: "compatible",
    changes: "nothing",
    changesWith: { write: "once" },
    summary: "tell whether another image can live with the database",
    description:
      "Answers before a roll-out or a rollback whether an older or newer image can live with the database as it is: minimum revisions, contract steps, files that are gone. The image is a list of its revisions, which it writes itself, or a bundle. Exits 0 if it can, 1 if it cannot.",
    flags: [
      { syntax: "--image-revisions <file>", help: "the revisions of the image, or a bundle of godwit build" },
      { syntax: "--after-up", help: "ask about the database after an up of the files that are here" },
      { syntax: "--ready", help: "also exit 1 if anything that the image would apply is pending" },
      { syntax: "--write <file>", help: "write the revisions of the files that are here; needs no database" },
    ],
    honours: ["mode", "phase", "contract", "outOfOrder"],
    excludes: [
      {
        flag: "write",
        others: ["imageRevisions", "afterUp", "ready", "mode", "phase", "contract", "outOfOrder", ...LIVE],
      },
    ],
    examples: [
      ["godwit compatible --write revisions.json", "in each image, when it is built"],
      ["godwit compatible --image-revisions old.json", "can I go back to that image?"],
      [
        "godwit compatible --image-revisions old.json --after-up",
        "can it go on running during this roll-out?",
      ],
      ["godwit compatible --image-revisions new.json --ready", "may traffic go to it?"],
    ],
    load: () => import("./commands/compatible.ts"),
  },
  {
    name: "current",
    changes: "nothing",
    targets: "each",
    summary: "show the revision that the database is at",
    examples: [["godwit current", "one line per head of what is applied"]],
    load: () => import("./commands/current.ts"),
  },
  {
    name: "history",
    changes: "nothing",
    excludes: [{ flag: "log", others: ["indicateCurrent"] }],
    targets: "each",
    summary: "list all migrations in order, newest first",
    flags: [
      { syntax: "--indicate-current", help: "mark where the database is" },
      { syntax: "--log", help: "list what was done to this database instead, including failures" },
    ],
    examples: [
      ["godwit history --indicate-current", "the files, and where the database is among them"],
      ["godwit history --log", "who did what, when and from where"],
    ],
    load: () => import("./commands/history.ts"),
  },
  {
    name: "heads",
    changes: "nothing",
    about: "files",
    targets: "each",
    summary: "show the newest migrations of the files",
    examples: [["godwit heads", "if there are several, godwit merge joins them"]],
    load: () => import("./commands/heads.ts"),
  },
  {
    name: "new",
    about: "files",
    excludes: [{ flag: "sql", others: ["ts"] }],
    targets: "flag",
    aliases: ["revision"],
    summary: "make a migration, empty or with what a desired schema needs",
    arguments: [{ syntax: "[name…]", help: "what it does, in a few words" }],
    flags: [
      MESSAGE,
      { syntax: "--ts", help: "in TypeScript" },
      { syntax: "--sql", help: "in SQL (the default, unless all others are TypeScript)" },
      { syntax: "--revises <revision>", help: "its parent in a revision graph" },
      { syntax: "--autogenerate", help: "with the statements from the migrations to the desired schema" },
      {
        syntax: "--to <schema>",
        help: "the desired schema: SQL, drizzle.config.ts, schema.prisma, app.models:Base, a URL (default: desiredSchema)",
      },
      EXCLUDE,
      RENAME,
      { syntax: "--allow-data-loss", help: "write statements that drop or narrow data" },
    ],
    needs: [
      { flag: "to", other: "autogenerate" },
      { flag: "exclude", other: "autogenerate" },
      { flag: "rename", other: "autogenerate" },
      { flag: "allowDataLoss", other: "autogenerate" },
    ],
    examples: [
      ["godwit new add shop slugs", "migrations/0008_add_shop_slugs.sql"],
      ["godwit new --ts fill shop slugs", "migrations/0009_fill_shop_slugs.ts"],
      ['godwit new --autogenerate --to schema.sql -m "Add shop slugs"', "what makes the schema of the file"],
    ],
    load: () => import("./commands/new.ts"),
  },
  {
    name: "merge",
    about: "files",
    targets: "flag",
    summary: "join several heads of a revision graph",
    arguments: [{ syntax: "[heads…]", help: "the heads to join; all if omitted" }],
    flags: [MESSAGE],
    examples: [['godwit merge -m "chat and search"', "a migration that only joins the two"]],
    load: () => import("./commands/merge.ts"),
  },
  {
    name: "baseline",
    aliases: ["stamp"],
    summary: "declare migrations as present without running them",
    description:
      "Declares a revision and all earlier ones as present, without running them. Use it for a database that was created in another way.",
    arguments: [{ syntax: "<revision>", help: "the last one that is present, or head" }],
    flags: [
      {
        syntax: "--confirm <database>",
        help: "confirm that in this database these files replace all of the old ones",
      },
    ],
    honours: ["lockWait"],
    examples: [
      ["godwit baseline 0007", "this database has everything up to 0007 already"],
      ["godwit baseline 0001_all --confirm shop", "after a squash: one file replaces all that ran"],
    ],
    load: () => import("./commands/baseline.ts"),
  },
  {
    name: "adopt",
    changesWith: { dryRun: "nothing" },
    summary: "take over what another tool has applied",
    description:
      "Reads the history table of another migration tool and writes what that tool has applied into Godwit's ledger, in one transaction. It runs no migration and changes nothing else.",
    flags: [
      { syntax: "--dry-run", help: "only show what is applied, pending, edited and missing" },
      { syntax: "--tool <name>", help: "which tool to use, if several have a history" },
      { syntax: "--table <schema.table>", help: "which table to use, if one tool has several" },
      { syntax: "--assume", help: "what the tool has skipped is in the database anyway" },
    ],
    honours: ["lockWait"],
    examples: [
      ["godwit adopt --dry-run", "what would be taken over"],
      ["godwit adopt", "then godwit up continues from there"],
      ["godwit adopt --tool prisma", "a project that moved from one tool to another"],
    ],
    load: () => import("./commands/adopt.ts"),
  },
  {
    name: "repair",
    summary: "correct what the ledger says",
    description: "Corrects the ledger. The rest of the database stays as it is. Each correction is logged.",
    flags: [
      { syntax: "--accept <revision>", help: "the file was edited on purpose" },
      { syntax: "--forget <revision>", help: "it is not applied; its file is pending again" },
      { syntax: "--mark-done <revision[:n]>", help: "it (or its statement n) is complete; I have checked" },
      { syntax: "--retry <revision[:n]>", help: "it (or its statement n) had no effect and may run again" },
      { syntax: "--rebuild", help: "rebuild what the ledger has lost, from its log and the files" },
      { syntax: "--confirm <database>", help: "the name of the database; asked for on a terminal" },
    ],
    honours: ["lockWait"],
    examples: [
      ["godwit repair --accept 0007", "accept the present text of 0007"],
      ["godwit repair --mark-done 0007:2 --confirm shop", "without a terminal"],
    ],
    load: () => import("./commands/repair.ts"),
  },
  {
    name: "backfill",
    changes: "nothing",
    changesWith: {
      pause: "once",
      resume: "once",
      rate: "once",
      approve: "once",
      undo: "continues",
      forget: "once",
    },
    targets: "flag",
    summary: "show backfills; pause, limit, approve or undo them",
    description:
      "Shows how far the backfills are, from any terminal. The run that works on one does at once what is said here: it waits between two windows while it is paused, and keeps to a rate. undo gives the rows of one their old values again, where nobody has changed them since, and makes it pending again; it keeps to the same words, and works on one that is half done too, and where later migrations stay applied. forget drops the old values. Only these two need the lock.",
    arguments: [
      { syntax: "[action]", help: "status (the default), pause, resume, rate, approve, undo or forget" },
      {
        syntax: "[revision]",
        help: "the backfill, or the start of its name; all of them for status if omitted",
      },
      { syntax: "[rate]", help: "for rate: how many rows in a second, or none" },
    ],
    honours: ["until", "lockWait"],
    examples: [
      ["godwit backfill", "how far are they?"],
      ["godwit backfill pause 0007", "no window begins until it is resumed"],
      ["godwit backfill rate 0007 500", "at most 500 rows in a second"],
      ["godwit backfill approve 0007", "one that declares approve may begin"],
      ["godwit backfill undo 0007", "the rows are as they were before 0007"],
      ["godwit backfill forget 0007", "it is right: its old values are not needed"],
    ],
    load: () => import("./commands/backfill.ts"),
  },
  {
    name: "import",
    changes: "continues",
    changesWith: { status: "nothing" },
    excludes: [
      {
        flag: "status",
        others: [
          "from",
          "pattern",
          "table",
          "hostKey",
          "trustOnFirstUse",
          "workers",
          "colours",
          "lockWait",
          ...IMPORTING,
        ],
      },
    ],
    honours: [...IMPORTING, "lockWait"],
    targets: "flag",
    summary: "import files into the database: images with their hashes",
    description:
      "Imports the images of a folder or of a NAS into the database, each with its perceptual hashes. It reads only files that are new or have changed. If it is stopped, the next run continues where it stopped.",
    arguments: [{ syntax: "[name]", help: "one of the configured imports; all if omitted" }],
    flags: [
      {
        syntax: "--from <origin>",
        help: "a folder, or sftp://user@host:port/path, without any configuration",
      },
      { syntax: "--pattern <pattern>", help: "the meaning of the folders (<shop>/<template>/<file>)" },
      { syntax: "--table <name>", help: "where the rows go (design_images)" },
      { syntax: "--host-key <key>", help: "the host's key, as SHA256:… or in full" },
      { syntax: "--trust-on-first-use", help: "trust an unknown host, and remember its key" },
      { syntax: "--workers <n>", help: "processes that fetch and hash" },
      { syntax: "--status", help: "show the progress of a running import, from another terminal" },
      { syntax: "--colours", help: "read images again whose colours an earlier release did not record" },
    ],
    examples: [
      ["godwit init --import && godwit up", "the table first"],
      ["godwit import --from ./designs", "<shop>/<template>/<file> below it"],
      [
        "godwit import --from sftp://worker@nas:22/share/Graphics",
        "with the SSH agent, a key or QNAP_PASSWORD",
      ],
      ["godwit import --status", "how far is the import?"],
    ],
    load: () => import("./commands/import.ts"),
  },
  {
    name: "duplicates",
    changes: "nothing",
    changesWith: { html: "once", keep: "once", distinct: "once", forget: "once" },
    excludes: ["keep", "distinct", "forget"].map((flag) => ({
      flag,
      others: ["html", "kind", "limit", "offset", "all", "from"],
    })),
    targets: "flag",
    summary: "list duplicates, and remember decisions about them",
    description:
      "Lists imported images that are the same: byte for byte, or the same design in another format or size. It also lists similar images for a person to review. It never asks again about what was decided.",
    arguments: [{ syntax: "[name]", help: "with --from: the import whose pictures are at that origin" }],
    flags: [
      { syntax: "--html [file]", help: "a contact sheet with pictures (duplicates.html)" },
      { syntax: "--kind <kinds…>", help: "exact, same, review" },
      { syntax: "--limit <n>", help: "how many groups to list (50; on a sheet 200)" },
      { syntax: "--offset <n>", help: "how many groups to skip" },
      { syntax: "--all", help: "also list groups in which everything is decided" },
      {
        syntax: "--keep <images…>",
        help: "keep the first; the others that are named, or else all others of its group, are its copies",
      },
      { syntax: "--distinct <images…>", help: "these are not duplicates of each other" },
      { syntax: "--forget <images…>", help: "forget all decisions about them" },
      { syntax: "--from <origin>", help: "where the pictures are, for an import that is not configured" },
    ],
    examples: [
      ["godwit duplicates", "the groups that are not decided yet"],
      ["godwit duplicates --html", "the same with pictures, in a browser"],
      ["godwit duplicates --keep 12", "12 stays; the others of its group are copies"],
      ["godwit duplicates --distinct 12 15", "two designs: never asked again"],
    ],
    load: () => import("./commands/duplicates.ts"),
  },
  {
    name: "serve",
    changes: "nothing",
    targets: "none",
    stays: true,
    summary: "answer health and metrics over HTTP",
    description:
      "Looks at the database again and again, and answers /api/health, /livez, /readyz and /metrics. It changes nothing. If several targets are configured, it is about all of them, or about those that --target names.",
    honours: [...SERVICE, "checkInterval", "target"],
    examples: [
      ["godwit serve", "on port 9187 of this machine"],
      ["godwit serve --health-host 0.0.0.0 --health-port 8080", "for probes that come from outside"],
    ],
    load: () => import("./commands/serve.ts"),
  },
  {
    name: "health",
    changes: "nothing",
    about: "nothing",
    targets: "none",
    summary: "ask a running service whether its migrations are well",
    description:
      "Asks the port of godwit serve or godwit run, or reads their status file. Exits 0 if no migration has failed, otherwise 1. It needs no database.",
    flags: [
      { syntax: "--ready", help: "exit 0 only if everything that is required is applied" },
      { syntax: "--live", help: "exit 0 if the service is there, whatever became of the migrations" },
    ],
    excludes: [{ flag: "live", others: ["ready"] }],
    honours: ["healthPort", "healthHost", "healthToken", "statusFile"],
    examples: [
      ["docker exec shop godwit health", "with GODWIT_HEALTH_PORT or GODWIT_STATUS_FILE set in the image"],
      ["godwit health --ready --status-file /tmp/godwit.json", "for a HEALTHCHECK that others wait for"],
      ["godwit health --live", "for a check after which the container is restarted"],
    ],
    load: () => import("./commands/health.ts"),
  },
  {
    name: "webhooks",
    changes: "nothing",
    changesWith: { retry: "continues", forget: "once" },
    tells: true,
    targets: "each",
    summary: "show messages that no webhook has taken, and send them again",
    description:
      "Lists the messages about runs that a webhook has not taken. They are kept in the database, the newest 500. With --retry each is sent once more, with its former id, and exit code 1 says that some are left.",
    flags: [
      { syntax: "--retry", help: "send them once more" },
      { syntax: "--forget", help: "delete them without sending them" },
    ],
    excludes: [{ flag: "retry", others: ["forget"] }],
    examples: [
      ["godwit webhooks", "what was not delivered, and why"],
      ["godwit webhooks --retry", "when the receiver works again"],
    ],
    load: () => import("./commands/webhooks.ts"),
  },
  {
    name: "doctor",
    changes: "nothing",
    tells: true,
    targets: "each",
    summary: "look for problems, and show where each setting comes from",
    examples: [["godwit doctor", "the first command to run if something seems wrong"]],
    load: () => import("./commands/doctor.ts"),
  },
  {
    name: "init",
    about: "files",
    honours: ["databaseUrl"],
    targets: "flag",
    summary: "make a folder, a configuration and a first migration",
    flags: [
      { syntax: "--import", help: "make the migration that creates the table for imported images" },
      {
        syntax: "--supabase",
        help: "write the SQL of the function that makes migrations over HTTPS possible",
      },
      ...DEPLOYMENT.map(({ flag, help }) => ({ syntax: `--${flag}`, help })),
    ],
    ofProject: DEPLOYMENT.map(({ key }) => key),
    excludes: [
      { flag: "supabase", others: ["import", ...DEPLOYMENT.map(({ key }) => key)] },
      { flag: "import", others: DEPLOYMENT.map(({ key }) => key) },
      ...DEPLOYMENT.map(({ key }) => ({ flag: key, others: ["target", "databaseUrl"] })),
    ],
    examples: [
      ["godwit init", "existing files stay as they are"],
      ["godwit init --docker --kubernetes", "deploy/Dockerfile and deploy/kubernetes, to begin with"],
      ["godwit init --supabase", "then run supabase/exec_sql.sql once, in the project's SQL editor"],
    ],
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
    changes: "nothing",
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
