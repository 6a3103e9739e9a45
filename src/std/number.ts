/**
 * A whole number as people read it: `1,234,567`. What is no whole number is rounded.
 *
 * `toLocaleString` would do the same, and takes 14 ms when it is called for the first time.
 */
export function whole(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** `1 migration`, `2,000 migrations` */
export function countOf(many: number, one: string): string {
  return `${whole(many)} ${one}${Math.round(many) === 1 ? "" : "s"}`;
}

/** `1 row`, `2,000 rows` */
export function rowsOf(many: number): string {
  return countOf(many, "row");
}
