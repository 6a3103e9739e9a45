/** Durations as people write them. */

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000 };

/** `500ms`, `3s`, `2min`, `1h`, `0` or `none`. A plain number is in seconds. `null` if the text is not a duration. */
export function parseDurationMs(text: string): number | null {
  if (text === "none") return 0;
  const match = /^(\d+(?:\.\d+)?)(ms|s|min|h)?$/.exec(text);
  if (match === null) return null;
  const milliseconds = Math.round(Number(match[1]) * (UNITS[match[2] ?? "s"] ?? 1000));
  // PostgreSQL stores timeouts in 32 bits.
  return milliseconds <= 2_147_483_647 ? milliseconds : null;
}
