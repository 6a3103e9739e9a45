import { whole } from "../../std/number.ts";
/** Sizes as people read them. */

export function bytes(value: number): string {
  const [unit, size] =
    value >= 1024 ** 3 ? ["GB", 1024 ** 3] : value >= 1024 ** 2 ? ["MB", 1024 ** 2] : ["kB", 1024];
  const scaled = value / size;
  return `${scaled >= 10 ? whole(scaled) : scaled.toFixed(1)} ${unit}`;
}
