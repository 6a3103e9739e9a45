// Writes docs/reference/cli.md and config.md from the tables of commands and options. A test compares.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const NOTE = "<!-- Made by `node scripts/docs.mjs`; do not edit. -->";

/** File → text, for `docs/reference/`. */
export async function renderDocs() {
  const { COMMANDS, OPTIONS, IMPORT_OPTIONS, flagName, variablesOf } = await loadTables();
  return {
    "cli.md": cli(COMMANDS, OPTIONS),
    "config.md": config(OPTIONS, { flagName, variablesOf, imports: IMPORT_OPTIONS }),
  };
}

async function loadTables() {
  const contents =
    'export { COMMANDS } from "./src/cli/commands.ts"; export { OPTIONS, flagName, variablesOf } from "./src/config/options.ts"; export { IMPORT_OPTIONS } from "./src/config/imports.ts";';
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

function cli(commands, options) {
  const sections = commands.map((row) => {
    const words = (row.arguments ?? []).map(({ syntax }) => ` ${syntax}`).join("");
    const aliases = (row.aliases ?? []).map((alias) => `\`${alias}\``).join(", ");
    const flags = [
      ...(row.arguments ?? []),
      ...(row.flags ?? []),
      ...(row.plans ? options.filter((option) => option.forPlanning).map(flagRow) : []),
    ];
    return [
      `## ${row.name}`,
      `\`godwit ${row.name}${words}\`${aliases ? `, also ${aliases}` : ""}: ${row.description ?? row.summary}`,
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
    "A revision is an id, the start of one if it is unique, `head`, `heads`, `base`, `+2` or `-1` counted from where the database is, or steps from a revision: `head-1`, `0007+2`.",
    ...sections,
    "## Everywhere",
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

function config(options, { flagName, variablesOf, imports }) {
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
    "Durations are `500ms`, `3s`, `2min`, `1h` or `none`; a plain number is seconds. Where a line names several variables, the first that is set counts. An empty variable is none, except that an empty `DATABASE_URL` is an error.",
    table(["file", "flag", "environment", "default", "what it is"], rows),
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
