/** Sizes as people write and read them. */

const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

/** `500MB`, `64 MiB`, `2GB`. A plain number is in bytes. `null` if the text is not a size. */
export function parseSizeBytes(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?i?b)?$/i.exec(text);
  if (match === null) return null;
  const unit = UNITS[(match[2] ?? "b").toLowerCase()];
  return unit === undefined ? null : Math.round(Number(match[1]) * unit);
}

/** `812 B`, `3.4 MB`, `1.2 GB`: for people. */
export function formatSize(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  const power = Math.min(4, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${value.toFixed(value < 9.95 ? 1 : 0)} ${["", "kB", "MB", "GB", "TB"][power]}`;
}
