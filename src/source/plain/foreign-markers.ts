/** Markers of sqlx, graphile-migrate and goose that turn the transaction off. */
export const FOREIGN_NO_TRANSACTION = [
  /^-- no-transaction[ \t]*(?:\n|$)/,
  /^--! no-transaction[ \t]*$/m,
  /^--[ \t]*\+goose[ \t]+NO[ \t]+TRANSACTION[ \t]*$/im,
];
