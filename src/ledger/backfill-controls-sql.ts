/**
 * What people have said of a backfill from another terminal: a pause, a limit of rows in a second, an approval; who it
 * was, and when. A table of its own, so that a word may come before the backfill is begun, and waits for no window.
 *
 * A window reads it in the statement that moves its position, which costs no round trip.
 */
import { createTable } from "../core/sql/create-table.ts";
import { identifier, stored } from "../core/sql/quote.ts";

/** What holds for a backfill now. Times are as in ISO 8601. */
export interface BackfillControls {
  readonly pausedAt: string | null;
  readonly pausedBy: string | null;
  /** Rows in a second. `null`: no limit. */
  readonly rate: number | null;
  readonly rateBy: string | null;
  readonly approvedAt: string | null;
  readonly approvedBy: string | null;
  /** The checksum of the text that was approved. */
  readonly approvedText: string | null;
}

export const NO_CONTROLS: BackfillControls = {
  ...{ pausedAt: null, pausedBy: null, rate: null, rateBy: null },
  ...{ approvedAt: null, approvedBy: null, approvedText: null },
};

/** What a person says. */
export type Control =
  | { readonly kind: "pause" | "resume" }
  | { readonly kind: "rate"; readonly rate: number | null }
  | { readonly kind: "approve"; readonly text: string | null };

export const CONTROLS_TABLE = "migration_backfill_controls";

const COLUMNS = `paused_at as "pausedAt", paused_by as "pausedBy", rate, rate_by as "rateBy", approved_at as "approvedAt",
  approved_by as "approvedBy", approved_text as "approvedText"`;

const TABLE_COLUMNS = `
  revision text primary key,
  paused_at timestamptz,
  paused_by text,
  resumed_at timestamptz,
  resumed_by text,
  rate double precision check (rate > 0),
  rate_at timestamptz,
  rate_by text,
  approved_at timestamptz,
  approved_by text,
  approved_text text`;

export function backfillControlsSql(schema: string) {
  const table = `${identifier(schema)}.${CONTROLS_TABLE}`;
  const controlsOf = (revision: string) =>
    `(select pg_catalog.row_to_json(c) from (select ${COLUMNS} from ${table} where revision = ${revision}) c)`;
  return {
    createBackfillControls: () => `${createTable(schema, CONTROLS_TABLE, TABLE_COLUMNS)};`,

    /** One value, for a list of columns: `null` where nobody has said anything. The revision is an expression. */
    controlsOf,

    controls: (revision: string) => `select ${controlsOf(stored(revision))} as controls`,

    allControls: () => `select revision, ${controlsOf("t.revision")} as controls from ${table} t`,

    /** `by`: the host; the server knows the role. A pause that holds keeps its time. */
    controlBackfill: (revision: string, control: Control, by: string) => {
      const who = `pg_catalog.concat(session_user, ' on ', ${stored(by)})`;
      const now = "clock_timestamp()";
      const values: Readonly<Record<string, string>> = {
        pause: {
          paused_at: `coalesce(was.paused_at, ${now})`,
          paused_by: `coalesce(was.paused_by, ${who})`,
        },
        resume: { paused_at: "null", paused_by: "null", resumed_at: now, resumed_by: who },
        rate: { rate: control.kind === "rate" ? stored(control.rate) : "null", rate_at: now, rate_by: who },
        approve: {
          approved_at: now,
          approved_by: who,
          approved_text: control.kind === "approve" ? stored(control.text) : "null",
        },
      }[control.kind] as Readonly<Record<string, string>>;
      const set = Object.entries(values)
        .map(([column, value]) => `${column} = ${value}`)
        .join(", ");
      return `insert into ${table} (revision) values (${stored(revision)}) on conflict (revision) do nothing;
update ${table} was set ${set} where revision = ${stored(revision)}`;
    },
  };
}
