/** Recognises a connection pooler by its address alone, before any connection is made. */
import type { Address } from "./address.ts";

export interface Pooled {
  /** How it was recognised, as the end of a sentence: `its host contains "-pooler"`. */
  readonly reason: string;
  /** The direct URL for people (password as `***`), where it can be derived. */
  readonly direct: string | undefined;
  /** What to do, in one sentence. */
  readonly advice: string;
}

/** `undefined` when nothing speaks for a pooler; the connection still compares backend pids. */
export function looksPooled(address: Address): Pooled | undefined {
  const { host, port } = address.hosts[0];
  const reason = address.declaredPooled
    ? "it says pgbouncer=true"
    : /-pooler\./.test(host)
      ? 'its host contains "-pooler"'
      : /(^|\.)(pooler|pgbouncer)[.-]|^(pooler|pgbouncer)$/.test(host)
        ? `its host is ${host}`
        : port === 6543
          ? "port 6543 is where poolers listen"
          : undefined;
  if (reason === undefined) return undefined;
  const direct = directUrl(address);
  const advice = direct
    ? `Use the direct URL ${direct}`
    : `Use the direct URL of the database itself${/\.rlwy\.net$|\.railway\.internal$/.test(host) ? " (DATABASE_URL of the Postgres service, not of the PgBouncer service)" : ""}.`;
  return { reason, direct, advice };
}

function directUrl(address: Address): string | undefined {
  const { host, port } = address.hosts[0];
  const { database, password } = address;
  const url = (user: string, place: string) =>
    `postgres://${encodeURIComponent(user)}${password ? ":***" : ""}@${place}/${encodeURIComponent(database)}`;
  if (/\.neon\.(tech|build)$/.test(host) && /-pooler\./.test(host)) {
    return url(address.user, `${host.replace("-pooler.", ".")}${port === 5432 ? "" : `:${port}`}`);
  }
  // Supabase's pooler tells projects apart by the user name: postgres.<ref>.
  const supabase = /\.pooler\.supabase\.com$/.test(host) && /^(.+)\.([a-z0-9]+)$/.exec(address.user);
  if (supabase) return url(supabase[1] ?? "", `db.${supabase[2]}.supabase.co:5432`);
  if (/^db\.[a-z0-9]+\.supabase\.co$/.test(host)) return url(address.user, `${host}:5432`);
  return undefined;
}
