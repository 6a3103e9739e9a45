// Writes docs/reference: cli.md, config.md and locks.md from their tables, api.md from the types. A test compares.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { renderApi } from "./api.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const NOTE = "<!-- Made by `node scripts/docs.mjs`; do not edit. -->";

/** File → text, for `docs/reference/`. */
export async function renderDocs() {
  const {
    COMMANDS,
    OPTIONS,
    IMPORT_OPTIONS,
    TARGET_OPTIONS,
    WEBHOOK_EVENTS,
    targetsArgument,
    isHonoured,
    isOfSomeCommands,
    flagName,
    variablesOf,
    DETAILED,
    CATALOG_COLUMNS,
    DOCUMENTED_LOCKS,
    ...lintTables
  } = await loadTables();
  return {
    "api.md": renderApi(root, NOTE),
    "catalog.md": catalog(CATALOG_COLUMNS),
    "lint.md": lint(lintTables),
    "locks.md": locks(DOCUMENTED_LOCKS),
    "cli.md": cli(COMMANDS, OPTIONS, { targetsArgument, isHonoured, isOfSomeCommands, exitCodes: DETAILED }),
    "config.md": config(OPTIONS, {
      flagName,
      variablesOf,
      imports: IMPORT_OPTIONS,
      targets: TARGET_OPTIONS,
      events: WEBHOOK_EVENTS,
    }),
  };
}

async function loadTables() {
  const contents =
    'export { COMMANDS } from "./src/cli/commands.ts"; export { OPTIONS, WEBHOOK_EVENTS, flagName, isOfSomeCommands, variablesOf } from "./src/config/options.ts"; export { IMPORT_OPTIONS } from "./src/config/imports/imports.ts"; export { TARGET_OPTIONS } from "./src/config/targets/targets-given.ts"; export { targetsArgument, isHonoured } from "./src/cli/command.ts"; export { DETAILED } from "./src/cli/output/exit.ts"; export { REMARKS, RULES } from "./src/analysis/rules/rules.ts"; export { SQUAWK_DEFAULTS, SQUAWK_RULES } from "./src/analysis/squawk/rules.ts"; export { CATALOG_COLUMNS } from "./src/schema/columns.ts"; export { DOCUMENTED_LOCKS } from "./test/rehearsal/documented-locks.ts"; export { BEYOND_TEXT } from "./test/rehearsal/beyond-text.ts";';
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    external: ["./commands/*"],
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString("base64")}`);
}

function catalog(tables) {
  const sections = Object.entries(tables).map(([table, rows]) => {
    const lines = rows.map(({ by, why, columns }) => {
      const names =
        columns === "*"
          ? "all"
          : columns
              .split(" ")
              .map((name) => `\`${name}\``)
              .join(", ");
      return `| ${names} | ${by === null ? `not compared: ${why}` : by} |`;
    });
    return `## ${table}\n\n| columns | compared by |\n| --- | --- |\n${lines.join("\n")}\n`;
  });
  return `${NOTE}

# What a comparison of schemas compares

Every column of PostgreSQL's system catalogs (13 to 18), and by which attribute of an object \`godwit drift\` compares it. \`name\` and \`kind\` are an object's identity.

${sections.join("\n")}`;
}

function locks(rows) {
  const names = (found) => (found ?? []).map(code).join(", ");
  const held = (row) =>
    Object.entries(row.locks)
      .map(([name, mode]) => `${mode} on ${code(name)}`)
      .join(", ");
  const statement = (row) => {
    const notes = [
      ...(row.setup === undefined ? [] : [`after ${code(row.setup)}`]),
      ...(row.since === undefined ? [] : [`PostgreSQL ${row.since} and newer`]),
    ];
    return `${code(row.statement)}${notes.length === 0 ? "" : ` (${notes.join("; ")})`}`;
  };
  return `${NOTE}

# Locks

What PostgreSQL's documentation says of ${rows.length} statements, and what \`godwit rehearse\` reports of them. \`test/rehearsal/locks.test.ts\` runs each on
PostgreSQL 15 and 18, and compares. The tables are those of \`test/rehearsal/documented-locks.ts\`: \`child\` refers to \`parent\`, \`part_1\` is a partition of \`parts\`.
The lock is the strongest on each relation. It is held until the transaction ends, and for a statement that runs outside of one (●) at most until that ends.

${table(
  ["statement", "lock", "written anew", "read as a whole", "page of the manual"],
  rows.map((row) => [
    `${row.outside === true ? "● " : ""}${statement(row)}`,
    held(row) || "none",
    names(row.rewrites),
    names(row.scans),
    row.page,
  ]),
)}
`;
}

function cli(commands, options, { targetsArgument, isHonoured, isOfSomeCommands, exitCodes }) {
  const sections = commands.map((row) => {
    const words = (row.arguments ?? []).map(({ syntax }) => ` ${syntax}`).join("");
    const targets = targetsArgument(row);
    const aliases = (row.aliases ?? []).map((alias) => `\`${alias}\``).join(", ");
    const flags = [
      ...(row.arguments ?? []),
      ...(targets === null ? [] : [targets]),
      ...(row.flags ?? []),
      ...options
        .filter((option) => option.flag !== null && isOfSomeCommands(option) && isHonoured(row, option))
        .map(flagRow),
    ];
    return [
      `## ${row.name}`,
      `\`godwit ${row.name}${words}${targets === null ? "" : ` ${targets.syntax}`}\`${aliases ? `, also ${aliases}` : ""}: ${row.description ?? row.summary}`,
      ...(flags.length === 0
        ? []
        : [
            table(
              ["", ""],
              flags.map(({ syntax, help }) => [code(syntax), help]),
            ),
          ]),
      `\`\`\`sh\n${row.examples.map(([line, does]) => (does ? `${line}    # ${does}` : line)).join("\n")}\n\`\`\``,
    ].join("\n\n");
  });
  const everywhere = [
    { syntax: "--json", help: "print one JSON document on stdout (see json.md)" },
    ...options.filter((option) => option.flag !== null && !isOfSomeCommands(option)).map(flagRow),
  ];
  return [
    "# The command line",
    NOTE,
    "Results go to stdout. Progress, logs and errors go to stderr. Exit codes: 0 done · 1 failed, also for a bad configuration · 2 unusable command line · 129, 130, 131 or 143 ended by SIGHUP, SIGINT, SIGQUIT or SIGTERM (more of them with `--exit-codes detailed`, below). The first signal cancels the running statement, rolls back and reports. The second signal ends the process at once.",
    "If several targets are configured (config.md), `up` and every command that only reads are about all of them, or about those that you name. Words that are names of targets are targets. The other word is the revision, and a revision needs exactly one target. A command that changes one thing needs one target. `--target` also names targets, and leaves every other word to the command. `tenants/a` is one schema of a target. Targets run one after the other, or several at a time with `--parallel`. If one fails, the others still run, unless you set `--on-target-failure stop`. The exit code is 0 only if all are done.",
    "A revision is an id, the start of an id if it is unique, `head`, `heads` or `base`. `+2` and `-1` count from the revision that the database is at. `head-1` and `0007+2` count from a named revision.",
    ...sections,
    "## Everywhere",
    "Every command honours these flags, except where a flag has nothing to do with the command. A flag that a command does not honour is refused. An empty word is refused too, so that an unset shell variable never means all.",
    table(
      ["", ""],
      everywhere.map(({ syntax, help }) => [code(syntax), help]),
    ),
    "## Exit codes in detail",
    "`--exit-codes detailed` (or `GODWIT_EXIT_CODES=detailed`) is for whoever starts the command again by its exit code alone, such as a Kubernetes Job with a `podFailurePolicy`. From 10 to 19 it makes sense to run again. From 20 on a person must do something first. Of several failures, also of several targets, one that needs a person decides. Without it they are all 1.",
    table(
      ["exit code", "cause", "run again"],
      exitCodes.map(({ code: number, cause, again }) => [
        String(number),
        cause,
        again === null ? "" : again ? "yes" : "no",
      ]),
    ),
    "",
  ].join("\n\n");
}

/** The rules of `godwit lint`: ours with an example, Squawk's where we differ. */
function lint({ RULES, REMARKS, SQUAWK_RULES, SQUAWK_DEFAULTS, BEYOND_TEXT }) {
  const shown = ({ files, server }) =>
    Object.entries(files)
      .map(([name, text]) => {
        const language = name.endsWith(".sql") ? "sql" : "ts";
        const comment = language === "sql" ? "--" : "//";
        const on = server === undefined ? "" : `, on PostgreSQL ${server}`;
        return `\`\`\`${language}\n${comment} ${name}${on}\n${text.trim()}\n\`\`\``;
      })
      .join("\n\n");
  return [
    "# What godwit lint finds",
    NOTE,
    'Each rule has a level: `error` (it fails, or data is lost), `warning` (it blocks, or an old version of the app fails), `hint`. The command exits with 1 from `warning` on, or from `--level`. `lint: { rules: { "<rule>": "off" } }` in the configuration changes the level of a rule for the project. In a file, a comment waives a rule for the statement below it, or in the header with an empty line below it for the whole file:',
    '```sql\n-- godwit: lint-ignore=index-without-concurrently reason="the table has ten rows"\ncreate index states_name on states (name);\n```',
    "The reason is required. A waiver that takes nothing out is found too. In a file that is applied already, it is an edited comment, of which `up` warns. In a migration in TypeScript it is a comment with `//`. Squawk's own comments (`-- squawk-ignore …`) count for its rules.",
    table(
      ["rule", "level", "what it finds"],
      [...RULES, ...REMARKS].map(({ id, level, what }) => [code(id), level, what]),
    ),
    ...RULES.flatMap(({ id, what, why, safer, bad, good }) => [
      `## ${id}`,
      `${what} ${why}`,
      shown(bad),
      `**Safer.** ${safer}`,
      shown(good),
    ]),
    "## Rules of Squawk",
    "They are used where Squawk is installed, under its names with `squawk/` in front ([its documentation](https://squawkhq.com/docs/rules)). Where their level is not Squawk's own, this table says why.",
    table(
      ["rule", "level", "because"],
      SQUAWK_RULES.map(({ id, level, because }) => [code(`squawk/${id}`), level, because]),
    ),
    `As Squawk has them: ${SQUAWK_DEFAULTS.map((id) => code(`squawk/${id}`)).join(", ")}.`,
    "## What no linter of texts finds",
    "What a migration does depends on what is in the database, and on what stands before it in its transaction. Squawk finds nothing in these files, and `godwit rehearse` does. `test/rehearsal/beyond-text.test.ts` asks both.",
    table(
      ["case", "migration", "risk", "what the rehearsal says"],
      BEYOND_TEXT.map(({ name, text, risk, why }) => [
        name,
        text.split("\n").map(code).join("<br>"),
        risk ?? "fails",
        why,
      ]),
    ),
    "",
  ].join("\n\n");
}

function flagRow({ flag, help }) {
  return { syntax: flag, help };
}

function config(options, { flagName, variablesOf, imports, targets, events }) {
  const rows = options.map((option) => [
    option.inFile === false ? "" : code(option.key),
    flagName(option) === null ? "" : code(`--${flagName(option)}`),
    variablesOf(option).map(code).join(", "),
    option.default === "" ? "" : code(option.default),
    option.help,
  ]);
  return [
    "# Configuration",
    NOTE,
    "Godwit takes a value from the first of these that has it: the command line, the environment, `godwit.config.ts`, `.env`, the default. `godwit doctor` shows where each value comes from. With one folder `migrations` and one `DATABASE_URL` you need no configuration.",
    "`.env.local` and `.env` in the root of the project are read by commands where no variable of the environment names a database (`DATABASE_URL`, `SUPABASE_URL`, `PGHOST` and their kin). A line on stderr says so. They are not read if `NODE_ENV` is `production` or `staging`, if `CI` is set, in Kubernetes, on Railway, or by `godwit run`. `--dotenv <file>` reads that one anywhere, `--dotenv none` reads none. The library reads none.",
    "The file is `godwit.config.ts`, `.mts`, `.js`, `.mjs` or `.json`, in the working directory or above it, up to the root of the project (the folder with `.git`). Paths in the file are relative to the file.",
    '```ts\nimport { defineConfig } from "godwit";\n\nexport default defineConfig({\n  dir: "db/migrations",\n  lockTimeout: "2s",\n});\n```',
    "Durations are `500ms`, `3s`, `2min`, `1h` or `none`; a plain number is seconds. If a line names several variables, the first that is set counts. An empty variable counts as not set. The exceptions are `DATABASE_URL`, `GODWIT_TARGET`, `GODWIT_PHASE`, `MIGRATION_MODE` and `GODWIT_HEALTH_TOKEN`: there an empty value is an error, because without the value the command would do or tell more. An empty value in the file or on the command line is always an error.",
    table(["file", "flag", "environment", "default", "what it is"], rows),
    "## Targets",
    "For several databases in one run, name each in `targets` in the file. An option that a target does not set has the value that is set beside `targets`.",
    '```ts\nimport { defineConfig, env } from "godwit";\n\nexport default defineConfig({\n  lockTimeout: "2s",\n  targets: {\n    backend: { url: env("BACKEND_DATABASE_URL"), dir: "apps/backend/db/migrations" },\n    auth: {\n      host: env("AUTH_DATABASE_HOST"),\n      port: env("AUTH_DATABASE_PORT", "5432"),\n      user: env("AUTH_DATABASE_USER"),\n      password: env("AUTH_DATABASE_PASSWORD"),\n      name: env("AUTH_DATABASE_NAME"),\n      dir: "apps/auth/migrations",\n    },\n  },\n});\n```',
    'An address is `url`, or `host`, `user` and `name` with `port` (5432), `password`, `sslMode` and `sslRootCertificate`. Nothing else completes it: neither `DATABASE_URL` nor a `PG*` variable fills a gap, because it would be the same for all targets. (`~/.pgpass` counts, because it knows which server a password is for.) `env("NAME")`, in JSON `{ "variable": "NAME" }`, stands for the value of a variable. `env("NAME", "x")` stands for `x` if the variable is not set or empty. Every option of a target may be one. Before Godwit touches a database, it lists everything that is missing or wrong in the requested targets at once. Two targets with the same database and the same ledger are refused, even if only one of them is requested.',
    "An option of a target comes before the environment, because the environment applies to all targets. A flag comes before both. Flags about one database (`--database-url`, `--dir`, `--layout`, `--ledger-schema`, `--project`, `--search-path`, `--role`) need exactly one target. The default of `project` is the target's name, so that the ledgers reveal two swapped URLs.",
    `A target may set ${targets.map(({ key }) => code(key)).join(", ")}. It may also set \`imports\` (below). With targets, \`imports\` is allowed nowhere else.`,
    '`schemas` makes each schema of the target\'s database a target of its own, with its own ledger: `schemas: ["a", "b"]`, or `schemas: { query: "select schema_name::text from tenants order by 1" }`, a query that only reads. Each schema is migrated with a `search_path` of that schema alone, unless you change it: `ledgerSchema: "{schema}_ledger"`, `searchPath: "{schema}, public"`. The first schema, or `canary`, runs alone. If it fails, no other is begun. Then they run `parallel` at a time. A missing schema is refused before anything is begun, unless `createSchemas` is true; then `up` creates it.',
    "## Imports",
    "`imports` in the file names each import: `imports: { nas: { trustOnFirstUse: true } }`. Without `imports`, an import named `nas` exists as soon as `QNAP_HOST`, `QNAP_USERNAME` or `QNAP_PASSWORD` is set. Sizes are `500MB` or `2GB`.",
    table(
      ["option", "default", "what it is"],
      imports.map((option) => [
        code(option.key),
        option.default === "" ? "" : code(option.default),
        option.help,
      ]),
    ),
    '`table` is the name of the table for the rows (`design_images`, as `godwit init --import` makes it), or `{ name, columns }` for your own table. `columns` says which column takes which field, for example `{ file_path: "path", sha256: "digest", phash: "hash" }`. Fields that you do not name are not written. `file_path` and a unique index on it (with `import_name`, if that has a column) are required. Hashes are hex text; a 64-bit hash may also have a `bigint` column. An unknown host is refused unless its key is in `hostKey`, `QNAP_HOST_KEY` or `~/.ssh/known_hosts`, or `trustOnFirstUse` is set.',
    "## Webhooks",
    '`webhooks` in the file is a list: `webhooks: [{ url: env("OPS_WEBHOOK"), secrets: [env("OPS_WEBHOOK_SECRET")] }]`. It stands beside `targets` and is about all of them. The webhook of `GODWIT_WEBHOOK_URL` is one more.',
    table(
      ["option", "default", "what it is"],
      [
        ["`url`", "", "where messages are sent, with HTTP or HTTPS; it is a secret"],
        ["`secrets`", "none", "what signs them, the newest first: `whsec_` and 24 to 64 bytes in Base64"],
        ["`events`", "all", events.map(code).join(", ")],
        ["`format`", "`json`, at hooks.slack.com `slack`", "what a message looks like"],
        ["`name`", "the host of the URL", "what `godwit webhooks` calls it"],
      ],
    ),
    "Without `DATABASE_URL` the variables of libpq count (`PGHOST`, `PGDATABASE`, `PGUSER`, …). Without those a PostgreSQL from npm starts in `.godwit/`. It does not start if `NODE_ENV` is `production` or `staging`, in Kubernetes, or on Railway: there a missing URL is an error.",
    "Colours follow `NO_COLOR` and `FORCE_COLOR`. The ledger records the deployed commit. Godwit reads it from `GIT_COMMIT`, `RAILWAY_GIT_COMMIT_SHA`, `VERCEL_GIT_COMMIT_SHA`, `GITHUB_SHA`, `SOURCE_VERSION` and similar variables, otherwise from `.git`.",
    "",
  ].join("\n\n");
}

function code(text) {
  return `\`${text}\``;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = join(root, "docs", "reference");
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(await renderDocs())) writeFileSync(join(folder, name), text);
}
