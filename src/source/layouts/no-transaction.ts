/** How the files of a layout say that they run without a transaction. */

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

/** What to do, as half a sentence; `null` where the tool has no word for it. */
export function noTransactionMarker(layout: string): string | null {
  return MARKERS[layout] ?? null;
}

/** Whether the tool sends the statements of a file one by one, each in a transaction of its own unless the file says BEGIN. */
export function sendsOneByOne(layout: string): boolean {
  return layout === "sqitch";
}
