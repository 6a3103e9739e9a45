/** How a file of each layout says that it runs without a transaction. */

const MARKERS: Readonly<Record<string, string>> = {
  plain: "begin the file with -- godwit: transaction=off",
  dbmate: "write -- migrate:up transaction:false",
  goose: "write -- +goose NO TRANSACTION",
  sqlx: "begin the file with -- no-transaction",
  supabase: "begin the file with -- pg-delta: transaction=false",
  diesel: "write run_in_transaction = false into its metadata.toml",
  flyway: "write executeInTransaction=false into its .conf",
  "graphile-migrate": "write --! no-transaction",
  liquibase: "write runInTransaction:false on its changeset",
};

/** The remedy, as half a sentence. `null` if the tool has no marker. */
export function noTransactionMarker(layout: string): string | null {
  return MARKERS[layout] ?? null;
}

/**
 * Whether the tool sends the statements of a file one by one. Each then has its own transaction unless the file says
 * BEGIN.
 */
export function sendsOneByOne(layout: string): boolean {
  return layout === "sqitch";
}
