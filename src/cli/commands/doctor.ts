/** `godwit doctor` */
import { isAddressed } from "../../assemble/assemble.ts";
import { withSource } from "../../assemble/source.ts";
import type { Config } from "../../config/config.ts";
import { OPTIONS } from "../../config/options.ts";
import { describeProvenance } from "../../config/values.ts";
import { isAdo, parseAddress } from "../../database/address/address.ts";
import { looksPooled } from "../../database/address/pooling.ts";
import type { Connection, Row } from "../../database/connection.ts";
import { GodwitError, problemsOf } from "../../errors.ts";
import { damaged } from "../../ledger/damage.ts";
import { withConnection } from "../../run/session/connect.ts";
import { redact, Secret } from "../../std/secret.ts";
import { formatDuration } from "../../std/time.ts";
import type { Answer, Invocation } from "../command.ts";
import { type Session, withSession } from "../session.ts";

interface Finding {
  readonly subject: string;
  readonly state: "ok" | "warning" | "problem";
  readonly message: string;
  readonly hint?: string | undefined;
}

export async function run(invocation: Invocation): Promise<Answer> {
  const config = await invocation.config();
  const settings = settingsOf(config);
  const findings: Finding[] = [
    ok("configuration", config.file ?? "no file; flags, environment and defaults"),
    ...(await checkFiles(config, invocation)),
  ];
  try {
    findings.push(...(await withSession(invocation, checkDatabase)));
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    findings.push(...problems("database", error));
  }
  const failed = findings.some((finding) => finding.state === "problem");
  return {
    json: { settings, findings },
    text: textOf(settings, findings, invocation),
    result: true,
    exitCode: failed ? 1 : 0,
  };
}

function settingsOf(config: Config) {
  return OPTIONS.map((option) => ({
    key: option.key,
    value:
      option.kind === "duration"
        ? durationOf(Number(config.values[option.key]))
        : option.kind === "url"
          ? shownUrl(config.values[option.key])
          : shown(config.values[option.key]),
    from: describeProvenance(option, config.provenances[option.key]),
  }));
}

function durationOf(milliseconds: number): string {
  return milliseconds === 0 ? "none" : formatDuration(milliseconds);
}

/** Without its password; what cannot be read as a URL is not shown, because nobody knows which part of it is one. */
function shownUrl(value: unknown): string {
  if (!(value instanceof Secret)) return "(none)";
  try {
    return parseAddress({ url: value.reveal(), environment: {}, systemUser: "?" }).display;
  } catch {
    return isAdo(value.reveal())
      ? "*** (an ADO.NET connection string, not a database URL)"
      : "*** (not a database URL)";
  }
}

function shown(value: unknown): string {
  if (value === null || (Array.isArray(value) && value.length === 0)) return "(none)";
  if (Array.isArray(value)) return value.join(", ");
  if (value instanceof Secret) return String(value);
  // Names alone: a value may be a secret.
  if (typeof value === "object") return Object.keys(value).join(", ") || "(none)";
  return redact(String(value));
}

async function checkFiles(config: Config, { say: print, signal }: Invocation): Promise<readonly Finding[]> {
  try {
    const { source, listing } = await withSource(config, { print, signal }, async (source) => ({
      source,
      listing: await source.list(),
    }));
    const { migrations, problems: found } = listing;
    const broken = [...found, ...migrations.flatMap((migration) => migration.problem ?? [])];
    return [
      ok("files", `${migrations.length} migrations in ${source.folder}, ${layoutOf(config, source.layout)}`),
      ...broken.map(({ message, hint }) => ({ subject: "files", state: "problem" as const, message, hint })),
    ];
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    return problems("files", error);
  }
}

function layoutOf({ values }: Config, layout: string): string {
  return `layout ${layout}${values.layout === null ? " (recognised from its files)" : ""}`;
}

async function checkDatabase(session: Session): Promise<readonly Finding[]> {
  const { target, context, address, api, embedded, config } = session;
  const pooled = address === null ? undefined : looksPooled(address);
  return withConnection(target, context, async (connection) => [
    ok(
      "database",
      `${address?.display ?? (api === null ? "provided by the program" : `${api} over HTTPS`)}${embedded === null ? "" : ` (embedded, in ${embedded})`}`,
    ),
    ...(isAddressed(config)
      ? []
      : [warning("database", "No DATABASE_URL is set; this server is for development.")]),
    ok(
      "server",
      `PostgreSQL ${Math.floor(connection.server.version / 10_000)}.${connection.server.version % 10_000}`,
    ),
    connection.capabilities.session
      ? ok("sessions", "a connection is a session; the lock ends with it")
      : api === null
        ? warning(
            "sessions",
            "a pooler assigns sessions per transaction; the lock is a lease",
            pooled?.advice,
          )
        : ok("sessions", "each request is a transaction of its own; the lock is a lease"),
    ...(pooled !== undefined && connection.capabilities.session
      ? [warning("sessions", `The address looks like a pooler's: ${pooled.reason}.`, pooled.advice)]
      : []),
    ...(await checkRole(connection, target.ledger.schema)),
    await checkLedger(connection, session),
    ...(await checkLock(connection, target.ledger.schema)),
    ...(await checkTransactions(connection)),
  ]);
}

async function checkRole(connection: Connection, schema: string): Promise<readonly Finding[]> {
  const { rows } = await connection.query<Row & Record<"bypass" | "create" | "ledger" | "public", boolean>>(
    `select rolbypassrls or rolsuper as bypass,
       has_database_privilege(current_database(), 'CREATE') as create,
       coalesce((select has_schema_privilege(oid, 'CREATE') from pg_namespace where nspname = $1), false) as ledger,
       coalesce((select has_schema_privilege(oid, 'CREATE') from pg_namespace where nspname = 'public'), false) as public
     from pg_roles where rolname = current_user`,
    [schema],
  );
  const role = rows[0];
  const { user, superuser, database } = connection.server;
  if (role === undefined) return [];
  const findings = [
    ok("role", `${user}${superuser ? " (superuser)" : role.bypass ? " (bypasses row-level security)" : ""}`),
  ];
  if (!role.create && !role.ledger)
    findings.push({
      subject: "role",
      state: "problem",
      message: `${user} cannot create the ledger's schema "${schema}".`,
      hint: `As the owner of the database: GRANT CREATE ON DATABASE "${database}" TO "${user}";`,
    });
  if (!role.public)
    findings.push(
      warning(
        "role",
        `${user} cannot create anything in schema public.`,
        `GRANT CREATE ON SCHEMA public TO "${user}";`,
      ),
    );
  return findings;
}

async function checkLedger(connection: Connection, { target }: Session): Promise<Finding> {
  const history = await target.ledger.read(connection, { evenDamaged: true });
  const refused = history.damage === null ? null : damaged(history.damage);
  if (refused !== null)
    return { subject: "ledger", state: "problem", message: refused.message, hint: refused.hint };
  if (!history.created)
    return ok("ledger", `none yet; godwit up creates it in schema ${target.ledger.schema}`);
  const project = history.project === null ? "" : ` of project ${history.project}`;
  const count = history.entries.length;
  return ok(
    "ledger",
    `${count} ${count === 1 ? "entry" : "entries"} in schema ${target.ledger.schema}${project}`,
  );
}

async function checkLock(connection: Connection, schema: string): Promise<readonly Finding[]> {
  const table = `"${schema.replaceAll('"', '""')}".migration_locks`;
  const exists = await connection.query<Row & { there: boolean }>(
    "select to_regclass($1) is not null as there",
    [table],
  );
  if (exists.rows[0]?.there !== true) return [ok("lock", "free")];
  const { rows } = await connection.query<
    Row & Record<"host" | "doing", string | null> & { pid: number | null }
  >(
    `select host, pid, doing from ${table} where run_id is not null and (expires_at is null or expires_at > clock_timestamp())
       and (kind <> 'session' or pid in (select pid from pg_stat_activity))`,
  );
  const [holder] = rows;
  if (holder === undefined) return [ok("lock", "free")];
  const { host, pid, doing } = holder;
  const hint = pid === null ? undefined : `To end it: select pg_terminate_backend(${pid})`;
  return [
    warning("lock", `held by ${host ?? "?"}${pid === null ? "" : `, process ${pid}`}: ${doing ?? "?"}`, hint),
  ];
}

/** What a migration would have to wait for. */
async function checkTransactions(connection: Connection): Promise<readonly Finding[]> {
  const { rows } = await connection.query<Row & { pid: number; user: string; state: string; ageMs: number }>(
    `select pid, usename as "user", coalesce(state, '') as state,
       (extract(epoch from clock_timestamp() - xact_start) * 1000)::float8 as "ageMs"
     from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
       and xact_start < clock_timestamp() - interval '1 minute' and backend_type = 'client backend'`,
  );
  return rows.map(({ pid, user, state, ageMs }) =>
    warning(
      "transactions",
      `Process ${pid} (user ${user}, ${state}) has been in its transaction for ${formatDuration(ageMs)}; a migration may have to wait for it.`,
      `To end it: select pg_terminate_backend(${pid})`,
    ),
  );
}

function ok(subject: string, message: string): Finding {
  return { subject, state: "ok", message };
}

function warning(subject: string, message: string, hint?: string): Finding {
  return { subject, state: "warning", message, hint };
}

function problems(subject: string, error: unknown): readonly Finding[] {
  return problemsOf(error).map(({ message, hint }) => ({
    subject,
    state: "problem" as const,
    message: redact(message),
    hint,
  }));
}

function textOf(
  settings: ReturnType<typeof settingsOf>,
  findings: readonly Finding[],
  { terminal }: Invocation,
): string {
  const marks = {
    ok: terminal.paint("green", "✓"),
    warning: terminal.paint("yellow", "!"),
    problem: terminal.paint("red", "✗"),
  };
  return [
    ...settings.map(({ key, value, from }) =>
      `${key.padEnd(18)} ${value}  ${terminal.paint("dim", from === "default" ? "" : `from ${from}`)}`.trimEnd(),
    ),
    "",
    ...findings.flatMap(({ subject, state, message, hint }) => [
      `${marks[state]} ${subject}: ${message}`,
      ...(hint === undefined ? [] : [`  ${terminal.paint("cyan", "→")} ${hint}`]),
    ]),
  ].join("\n");
}
