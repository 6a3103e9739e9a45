/** Looks for problems that a run would meet, in the files and in the database. Changes nothing. */
import { endSession } from "../core/sql/end-session.ts";
import type { Pooled } from "../database/address/pooling.ts";
import type { Connection } from "../database/connection.ts";
import { GodwitError, Interrupted, problemsOf } from "../errors.ts";
import { damaged } from "../ledger/damage.ts";
import { undeliveredTable } from "../ledger/webhooks.ts";
import { heldLocks } from "../lock/held.ts";
import type { Source } from "../source/source.ts";
import { redact } from "../std/secret.ts";
import { formatDuration } from "../std/time.ts";
import { privilegesOf } from "./catalog/role.ts";
import { longTransactions } from "./catalog/transactions.ts";
import { readOnlyProblem, withConnection } from "./session/connect.ts";
import type { RunContext, Target } from "./session/target.ts";

export interface Finding {
  /** What it is about: `files`, `database`, `lock`, … */
  readonly subject: string;
  readonly state: "ok" | "warning" | "problem";
  readonly message: string;
  readonly hint?: string | undefined;
}

export function ok(subject: string, message: string): Finding {
  return { subject, state: "ok", message };
}

function warning(subject: string, message: string, hint?: string): Finding {
  return { subject, state: "warning", message, hint };
}

/** Returns what `look` finds. An error of ours that stops it is a finding too; that somebody has ended the call is none. */
export async function findingsOf(
  subject: string,
  look: () => Promise<readonly Finding[]>,
  signal?: AbortSignal,
): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    if (!(error instanceof GodwitError) || error instanceof Interrupted) throw error;
    return problemsOf(error).map(({ message, hint }) => ({
      subject,
      state: "problem",
      message: redact(message),
      hint,
    }));
  }
}

/** `recognised`: the layout was found from the files, because nobody named it. */
export async function examineFiles(
  source: Source,
  { recognised }: { readonly recognised: boolean },
): Promise<readonly Finding[]> {
  const { migrations, problems } = await source.list();
  const layout = `layout ${source.layout}${recognised ? " (recognised from its files)" : ""}`;
  const broken = [...problems, ...migrations.flatMap((migration) => migration.problem ?? [])];
  return [
    ok(
      "files",
      `${migrations.length} ${migrations.length === 1 ? "migration" : "migrations"} in ${source.folder}, ${layout}`,
    ),
    ...broken.map(({ message, hint }) => ({ subject: "files", state: "problem" as const, message, hint })),
  ];
}

/** What is known of a database before it is asked. */
export interface DatabaseFacts {
  /** Its address for people. */
  readonly display: string;
  /** Whether the configuration says where it is. */
  readonly addressed: boolean;
  /** What its address says about a pooler. */
  readonly pooled: Pooled | undefined;
}

export async function examineDatabase(
  target: Target,
  facts: DatabaseFacts,
  context: RunContext,
): Promise<readonly Finding[]> {
  const { schema } = target.ledger;
  return withConnection(target, context, async (connection) => [
    ok("database", facts.display),
    ...(facts.addressed
      ? []
      : [warning("database", "No DATABASE_URL is set; this server is for development.")]),
    ...examineServer(connection, facts.pooled),
    ...(await examineRole(connection, schema)),
    ...(await examineWriting(connection)),
    await examineLedger(connection, target),
    ...(await examineLocks(connection, schema)),
    ...(await examineWebhooks(connection, target)),
    ...(await examineTransactions(connection)),
  ]);
}

function examineServer({ server, capabilities }: Connection, pooled: Pooled | undefined): readonly Finding[] {
  const version = ok(
    "server",
    `PostgreSQL ${Math.floor(server.version / 10_000)}.${server.version % 10_000}`,
  );
  if (!capabilities.spanning)
    return [version, ok("sessions", "each request is a transaction of its own; the lock is a lease")];
  if (!capabilities.session)
    return [
      version,
      warning("sessions", "a pooler assigns sessions per transaction; the lock is a lease", pooled?.advice),
    ];
  return [
    version,
    ok("sessions", "a connection is a session; the lock ends with it"),
    ...(pooled === undefined
      ? []
      : [warning("sessions", `The address looks like a pooler's: ${pooled.reason}.`, pooled.advice)]),
  ];
}

async function examineRole(connection: Connection, schema: string): Promise<readonly Finding[]> {
  const { user, superuser, database } = connection.server;
  const may = await privilegesOf(connection, schema);
  if (may === null) return [];
  const power = superuser ? " (superuser)" : may.bypassesRows ? " (bypasses row-level security)" : "";
  const findings = [ok("role", `${user}${power}`)];
  if (!may.makesSchemas && !may.createsInLedger)
    findings.push({
      subject: "role",
      state: "problem",
      message: `${user} cannot create the ledger's schema "${schema}".`,
      hint: `As the owner of the database: GRANT CREATE ON DATABASE "${database}" TO "${user}";`,
    });
  if (!may.createsInPublic)
    findings.push(
      warning(
        "role",
        `${user} cannot create anything in schema public.`,
        `GRANT CREATE ON SCHEMA public TO "${user}";`,
      ),
    );
  return findings;
}

async function examineWriting(connection: Connection): Promise<readonly Finding[]> {
  const readOnly = await readOnlyProblem(connection);
  if (readOnly === null) return [];
  const { message, hint } = readOnly;
  return [{ subject: "database", state: "problem", message: `${message}.`, hint }];
}

async function examineLedger(connection: Connection, { ledger }: Target): Promise<Finding> {
  const history = await ledger.read(connection, { evenDamaged: true });
  const refused = history.damage === null ? null : damaged(history.damage);
  if (refused !== null)
    return { subject: "ledger", state: "problem", message: refused.message, hint: refused.hint };
  if (!history.created) return ok("ledger", `none yet; \`godwit up\` creates it in schema ${ledger.schema}`);
  const project = history.project === null ? "" : ` of project ${history.project}`;
  const count = history.entries.length;
  return ok("ledger", `${count} ${count === 1 ? "entry" : "entries"} in schema ${ledger.schema}${project}`);
}

async function examineLocks(connection: Connection, schema: string): Promise<readonly Finding[]> {
  const held = await heldLocks(connection, schema);
  if (held.length === 0) return [ok("lock", "free")];
  return held.map(({ host, pid, doing }) =>
    warning(
      "lock",
      `held by ${host ?? "?"}${pid === null ? "" : `, process ${pid}`}: ${doing ?? "?"}`,
      pid === null ? undefined : endOf(pid),
    ),
  );
}

/** Messages about runs that nobody has taken. */
async function examineWebhooks(
  connection: Connection,
  { ledger: { schema, byHand }, settings }: Target,
): Promise<readonly Finding[]> {
  const given = settings.schema ?? null;
  const left = await undeliveredTable({ schema, given, byHand }).list(connection);
  if (left.length === 0) return [];
  const names = [...new Set(left.map(({ webhook }) => webhook))].join(", ");
  const what = `${left.length} ${left.length === 1 ? "message was" : "messages were"} not delivered to ${names}`;
  return [
    warning("webhooks", what, "`godwit webhooks` shows them, and `godwit webhooks --retry` sends them."),
  ];
}

/** What a migration would have to wait for. */
async function examineTransactions(connection: Connection): Promise<readonly Finding[]> {
  return (await longTransactions(connection)).map(({ pid, user, state, ageMs }) =>
    warning(
      "transactions",
      `Process ${pid} (user ${user}, ${state}) has been in its transaction for ${formatDuration(ageMs)}; a migration may have to wait for it.`,
      endOf(pid),
    ),
  );
}

function endOf(pid: number): string {
  return `To end it: ${endSession(pid)}`;
}
