/** What four of the five systems promise, a line each. Brands in Blooms has its lines in the README of its example. */

export interface Line {
  readonly number: string;
  readonly promise: string;
  /** What is not there yet. Such a line has no test, or its tests are about the rest of it. */
  readonly later?: string;
}

export interface System {
  readonly title: string;
  readonly lines: readonly Line[];
}

const numbered = (system: number, lines: readonly (string | readonly [string, string])[]): readonly Line[] =>
  lines.map((line, index) => {
    const number = `${system}.${index + 1}`;
    return typeof line === "string"
      ? { number, promise: line }
      : { number, promise: line[0], later: line[1] };
  });

export const SYSTEMS: readonly System[] = [
  {
    title: "1 · CraftFlow worker",
    lines: numbered(1, [
      "Runs apart from the API, without a port; a restart runs it again",
      "`DATABASE_URL` is the database",
      "`MIGRATION_MODE` is `all` by default: startup, then the NAS import, then complex",
      "`MIGRATION_MODE=startup`: schema, indexes and enum values alone",
      "`MIGRATION_MODE=nas-only`: the import alone",
      "`QNAP_HOST`, `QNAP_USERNAME`, `QNAP_PASSWORD` and `QNAP_PORT` reach the NAS; the port is 22 by default",
      "`NAS_BASE_PATH` is the base; `/share/Graphics` by default",
      "`<base>/<shop_name>/<template_name>/<files>` become rows of `design_images`",
      "Each image has a perceptual hash (phash), and duplicates are found by it",
      "Missing credentials: a warning, the import is skipped, the rest goes on",
      "A Dockerfile that makes the worker",
      "`railway.json`: a worker without a port, restarted on failure, 3 tries",
      "Progress, errors and completion are in the logs",
    ]),
  },
  {
    title: "2 · CraftFlow/PrintPilot",
    lines: numbered(2, [
      "All of 1: the same example, the same variables",
      "`NAS_USE_BATCHED` is `true` by default; a batch is about 500 MB",
      "Several batches at once, and several processors for the hashing",
      "Memory is bounded, whatever the total",
      "Progress is told for each batch",
      "A failed batch never takes another with it",
      "`NAS_USE_BATCHED=false`: one file at a time",
      "An import that was killed goes on where it stopped",
      "`migrations/` is discovered; a new file needs no registration",
      "The order respects declared dependencies",
      "A missing or broken file is named and never crashes the discovery",
      "A module with `upgrade` and an optional `downgrade`, in TypeScript",
      "Each in a transaction of its own; a failure rolls back that one, what does not depend on it runs, the run has failed",
      "What succeeded is remembered",
      "Startup migrations can be run again",
      "Import migrations are batched and resumable",
      "Complex migrations transform data in batches of e.g. 1,000 rows, with progress",
      "Paging by OFFSET over a column that changes is impossible",
      "The eleven migrations exist, on a realistic schema",
    ]),
  },
  {
    title: "3 · meter-lab",
    lines: numbered(3, [
      "`backend` by `BACKEND_DATABASE_URL`, `auth` by `AUTH_DATABASE_URL`",
      "`auth-next` by `AUTH_NEXT_DATABASE_HOST`, `_PORT`, `_USER`, `_PASSWORD` and `_NAME`",
      "Separate credentials: a connection of one service never touches another's database",
      "All required variables are checked before any database is touched; everything missing is listed at once",
      "In sequence, with a line for each service and a right exit status",
      "Each service can be run alone",
      "Drizzle folders (`meta/_journal.json` and SQL) are taken in place",
      "Drizzle's history stays right: `drizzle-kit migrate` agrees afterwards",
      "A database that Drizzle has migrated so far is carried on",
      'Compose: one-shot (`restart: "no"`), after the databases are healthy',
      "Apps wait for `condition: service_completed_successfully`",
      "Several replicas never race",
      "One more service is a few lines of configuration",
    ]),
  },
  {
    title: "5 · EchoMind",
    lines: numbered(5, [
      "No port. Exit code 0: migrated, or up to date already. 1: failed",
      "`DATABASE_URL`; missing, a message and exit code 1",
      "`MIGRATION_RETRY_COUNT` (5) and `MIGRATION_RETRY_DELAY` (5 s): waits for the database, with exponential backoff",
      "Fits in requests of 128 Mi and 100m CPU, limits of 256 Mi and 200m CPU",
      "An init container, and a standalone Job (`OnFailure`, backoff 3)",
      "A revision graph: every migration knows what it revises",
      "`upgrade` to head, to a revision, `+1`",
      "`downgrade` `-1`, to a revision, to `base`",
      "`current`, `history`, `history --indicate-current`",
      "A new, empty revision with a message",
      "Autogenerate from changes of the model, tables excluded by configuration",
      "Offline mode prints the SQL instead of running it",
      "Schema-builder operations: create and drop tables, columns, constraints, indexes, with `upgrade` and `downgrade`",
      "Unreachable: tried again",
      "A conflict: exit with an error that says what to do",
      "An SQL error: exit, with file and place",
      "A violated constraint: rolled back, exit with an error",
    ]),
  },
];

/** Every variable of these systems; each must be in a line. */
export const VARIABLES = [
  ...["DATABASE_URL", "MIGRATION_MODE", "QNAP_HOST", "QNAP_USERNAME", "QNAP_PASSWORD", "QNAP_PORT"],
  ...["NAS_BASE_PATH", "NAS_USE_BATCHED", "BACKEND_DATABASE_URL", "AUTH_DATABASE_URL"],
  ...["AUTH_NEXT_DATABASE_HOST", "MIGRATION_RETRY_COUNT", "MIGRATION_RETRY_DELAY"],
];
