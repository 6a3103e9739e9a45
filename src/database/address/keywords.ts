/** The words that a connection string may hold, and whose they are. */

/** libpq's variables and the keyword each is the default of. */
export const VARIABLES: readonly (readonly [variable: string, keyword: string])[] = [
  ["PGHOST", "host"],
  ["PGHOSTADDR", "hostaddr"],
  ["PGPORT", "port"],
  ["PGUSER", "user"],
  ["PGPASSWORD", "password"],
  ["PGDATABASE", "dbname"],
  ["PGPASSFILE", "passfile"],
  ["PGSERVICE", "service"],
  ["PGSSLMODE", "sslmode"],
  ["PGSSLROOTCERT", "sslrootcert"],
  ["PGSSLCERT", "sslcert"],
  ["PGSSLKEY", "sslkey"],
  ["PGSSLNEGOTIATION", "sslnegotiation"],
  ["PGCHANNELBINDING", "channel_binding"],
  ["PGAPPNAME", "application_name"],
  ["PGOPTIONS", "options"],
  ["PGCONNECT_TIMEOUT", "connect_timeout"],
  ["PGTARGETSESSIONATTRS", "target_session_attrs"],
];

/** What is read. */
export const KEYWORDS: ReadonlySet<string> = new Set([
  ...VARIABLES.map(([, keyword]) => keyword),
  "fallback_application_name",
  "sslpassword",
]);

/** libpq's words that change nothing here that anyone would miss; `ssl` and `pgbouncer` are read apart. */
export const IGNORED_QUIETLY: ReadonlySet<string> = new Set([
  "ssl",
  "client_encoding",
  "gssencmode",
  "keepalives",
  "keepalives_count",
  "keepalives_idle",
  "keepalives_interval",
  "krbsrvname",
  "load_balance_hosts",
  "sslcompression",
  "sslsni",
  "tcp_user_timeout",
  "uselibpqcompat",
]);

/** What other tools put into URLs, and what to use instead. */
export const SOMEONE_ELSES: ReadonlyMap<string, { tool: string; instead: string }> = new Map([
  ["schema", { tool: "Prisma", instead: "Name the schema in the migrations, or set it for the target." }],
  ["pgbouncer", { tool: "Prisma", instead: "Give Godwit the direct URL, not the pooler's." }],
  ["connection_limit", { tool: "Prisma", instead: "Godwit uses one connection; remove it." }],
  ["pool_timeout", { tool: "Prisma", instead: "Godwit has no pool; remove it." }],
  ["socket_timeout", { tool: "Prisma", instead: "Remove it." }],
  ["sslaccept", { tool: "Prisma", instead: "Use sslmode: require or verify-full." }],
  ["sslidentity", { tool: "Prisma", instead: "Use sslcert and sslkey." }],
  ["statement_cache_size", { tool: "asyncpg and Prisma", instead: "Remove it." }],
  ["prepared_statement_cache_size", { tool: "asyncpg", instead: "Remove it." }],
  ["currentSchema", { tool: "JDBC", instead: "Use options=-c search_path=…" }],
  ["pool_mode", { tool: "Supabase", instead: "Give Godwit the direct URL, not the pooler's." }],
  ["supa", { tool: "Supabase", instead: "Remove it." }],
  ["pool_size", { tool: "SQLAlchemy", instead: "Godwit has no pool; remove it." }],
  ["sslcrl", { tool: "libpq, and Godwit checks no revocation list", instead: "Remove it." }],
]);
