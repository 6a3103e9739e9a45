/** Numbers as people read them. */

export function number(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** `1 row`, `2,000 rows` */
export function rowsOf(many: number): string {
  return `${number(many)} ${Math.round(many) === 1 ? "row" : "rows"}`;
}

export function bytes(value: number): string {
  const [unit, size] =
    value >= 1024 ** 3 ? ["GB", 1024 ** 3] : value >= 1024 ** 2 ? ["MB", 1024 ** 2] : ["kB", 1024];
  const scaled = value / size;
  return `${scaled >= 10 ? number(scaled) : scaled.toFixed(1)} ${unit}`;
}
