// Writes docs/reference: cli.md and config.md from the tables of commands and options, api.md from the types. A test compares.
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
    targetsArgument,
    isHonoured,
    flagName,
    variablesOf,
  } = await loadTables();
  return {
    "api.md": renderApi(root, NOTE),
    "cli.md": cli(COMMANDS, OPTIONS, { targetsArgument, isHonoured }),
    "config.md": config(OPTIONS, { flagName, variablesOf, imports: IMPORT_OPTIONS, targets: TARGET_OPTIONS }),
  };
}

async function loadTables() {
  const contents =
    'export { COMMANDS } from "./src/cli/commands.ts"; export { OPTIONS, flagName, variablesOf } from "./src/config/options.ts"; export { IMPORT_OPTIONS } from "./src/config/imports/imports.ts"; export { TARGET_OPTIONS } from "./src/config/targets/targets-given.ts"; export { targetsArgument, isHonoured } from "./src/cli/command.ts";';
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

function cli(commands, options, { targetsArgument, isHonoured }) {
  const sections = commands.map((row) => {
    const words = (row.arguments ?? []).map(({ syntax }) => ` ${syntax}`).join("");
    const targets = targetsArgument(row);
    const aliases = (row.aliases ?? []).map((alias) => `\`${alias}\``).join(", ");
    const flags = [
      ...(row.arguments ?? []),
      ...(targets === null ? [] : [targets]),
      ...(row.flags ?? []),
      ...options.filter((option) => option.forPlanning && isHonoured(row, option)).map(flagRow),
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
    ...options.filter((option) => option.flag !== null && !option.forPlanning).map(flagRow),
  ];
  return [
    "# The command line",
    NOTE,
    "Results go to stdout; progress, logs and errors to stderr. Exit codes: 0 done · 1 failed, also for a bad configuration · 2 unusable command line · 130 or 143 ended by SIGINT or SIGTERM. The first signal cancels what runs, rolls back and reports; the second ends the process at once.",
    "Where several targets are configured (config.md), a command that looks, and `up`, is about all of them, or about those that are named: words that are names of targets are targets, the rest is the revision, and a revision needs exactly one target. A command that changes one thing needs one target. `--target` names them too, and leaves every other word to the command. `tenants/a` is one schema of a target. They run one after the other, or `--parallel` so many at a time; one that fails is no reason to leave out the others, unless `--on-target-failure stop` says so. The exit code is 0 only if all are done.",
    "A revision is an id, the start of one if it is unique, `head`, `heads`, `base`, `+2` or `-1` counted from where the database is, or steps from a revision: `head-1`, `0007+2`.",
    ...sections,
    "## Everywhere",
    "Except where a flag has nothing to do with what a command does. A flag that a command does not honour is refused, and so is an empty word: an unset shell variable never means all.",
    table(
      ["", ""],
      everywhere.map(({ syntax, help }) => [code(syntax), help]),
    ),
    "",
  ].join("\n\n");
}

function flagRow({ flag, help }) {
  return { syntax: flag, help };
}

function config(options, { flagName, variablesOf, imports, targets }) {
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
    "A value comes from, in this order: the command line, the environment, `godwit.config.ts`, the default. `godwit doctor` shows where each one came from. Nothing needs to be configured for one folder `migrations` and one `DATABASE_URL`.",
    "The file is `godwit.config.ts`, `.mts`, `.js`, `.mjs` or `.json`, in the working directory or above it, up to the root of the project (the folder with `.git`). Paths in it are relative to it.",
    '```ts\nimport { defineConfig } from "godwit";\n\nexport default defineConfig({\n  dir: "db/migrations",\n  lockTimeout: "2s",\n});\n```',
    "Durations are `500ms`, `3s`, `2min`, `1h` or `none`; a plain number is seconds. Where a line names several variables, the first that is set counts. An empty variable is none, except where that would mean more than was meant: an empty `DATABASE_URL`, `GODWIT_TARGET`, `GODWIT_PHASE` or `MIGRATION_MODE` is an error. An empty value in the file or on the command line always is one.",
    table(["file", "flag", "environment", "default", "what it is"], rows),
    "## Targets",
    "Several databases in one run: `targets` in the file names each. What one does not say is as it is said beside `targets`.",
    '```ts\nimport { defineConfig, env } from "godwit";\n\nexport default defineConfig({\n  lockTimeout: "2s",\n  targets: {\n    backend: { url: env("BACKEND_DATABASE_URL"), dir: "apps/backend/db/migrations" },\n    auth: {\n      host: env("AUTH_DATABASE_HOST"),\n      port: env("AUTH_DATABASE_PORT", "5432"),\n      user: env("AUTH_DATABASE_USER"),\n      password: env("AUTH_DATABASE_PASSWORD"),\n      name: env("AUTH_DATABASE_NAME"),\n      dir: "apps/auth/migrations",\n    },\n  },\n});\n```',
    'An address is `url`, or `host`, `user` and `name` with `port` (5432), `password`, `sslMode` and `sslRootCertificate`. It is all there is: neither `DATABASE_URL` nor a `PG*` variable fills a gap, because it would be the same for all of them (`~/.pgpass` counts, it knows which server a password is for). `env("NAME")`, in JSON `{ "variable": "NAME" }`, stands for the value of a variable, and `env("NAME", "x")` for `x` where it is not set or empty; every option of a target may be one. Before a database is touched, all that is missing or wrong in the targets that are meant is listed at once. Two targets that are one database and one ledger are refused, also when only one of them is meant.',
    "An option that a target says itself comes before the environment, which speaks to all of them; a flag comes before both. Flags about one database (`--database-url`, `--dir`, `--layout`, `--ledger-schema`, `--project`, `--search-path`, `--role`) need exactly one target. `project` is the target's name unless it is said, so that two URLs that were swapped are found out by the ledgers.",
    `A target may say ${targets.map(({ key }) => code(key)).join(", ")}; also \`imports\` (below), which is nowhere else where there are targets.`,
    '`schemas` makes each schema of the target\'s database a target by itself, with a ledger of its own in it: `schemas: ["a", "b"]`, or `schemas: { query: "select schema_name::text from tenants order by 1" }`, a query that only reads. Each is migrated with `search_path` on that schema alone; `ledgerSchema: "{schema}_ledger"` and `searchPath: "{schema}, public"` say otherwise. The first one, or `canary`, goes alone, and if it fails no other is begun; after that `parallel` so many at a time. A schema that is missing is refused before anything is begun, unless `createSchemas` is true: then `up` makes it.',
    "## Imports",
    "`imports` in the file names each import: `imports: { nas: { trustOnFirstUse: true } }`. Without `imports`, one of the name `nas` is there as soon as `QNAP_HOST`, `QNAP_USERNAME` or `QNAP_PASSWORD` is set. Sizes are `500MB` or `2GB`.",
    table(
      ["option", "default", "what it is"],
      imports.map((option) => [
        code(option.key),
        option.default === "" ? "" : code(option.default),
        option.help,
      ]),
    ),
    '`table` is the name of the table for the rows (`design_images`, as `godwit init --import` makes it), or `{ name, columns }` for one of your own: `columns` says which column takes what, for example `{ file_path: "path", sha256: "digest", phash: "hash" }`, and what is not named is not written. Needed are `file_path` and a unique index on it (with `import_name`, if that has a column). Hashes are hex text, or `bigint` where a 64-bit hash has such a column. An unknown host is refused unless its key is in `hostKey`, `QNAP_HOST_KEY` or `~/.ssh/known_hosts`, or `trustOnFirstUse` is set.',
    "Without `DATABASE_URL` the variables of libpq count (`PGHOST`, `PGDATABASE`, `PGUSER`, …). Without those a PostgreSQL from npm starts in `.godwit/`; it is refused where `NODE_ENV` is `production` or `staging`, in Kubernetes and on Railway, because a missing URL is an error there.",
    "Colours follow `NO_COLOR` and `FORCE_COLOR`. The deployed commit, which the ledger keeps, is read from `GIT_COMMIT`, `RAILWAY_GIT_COMMIT_SHA`, `VERCEL_GIT_COMMIT_SHA`, `GITHUB_SHA`, `SOURCE_VERSION` and their like, else from `.git`.",
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
