/** How close is close, and how much of it is kept. */
import { ConfigError } from "../errors.ts";

export interface Limits {
  /** Most bits of 64 that may differ, 0 to 7: what is further away is not searched for. */
  readonly radius: number;
  /** Up to so many bits of 256 it is the same design … */
  readonly same256: number;
  /** … and up to so many a person should look, 0 to 64. */
  readonly review256: number;
}

/** Measured on synthetic designs: resized and re-encoded ones stay within 8 of 256 bits, others begin at 42. */
export const DEFAULT_LIMITS: Limits = { radius: 7, same256: 24, review256: 40 };

/** What is compared and stored once, whatever is asked for later: changing a limit needs no new comparison. */
export const STORED_RADIUS = 7;
export const STORED_256 = 64;

/** Of each class, the nearest older ones that are kept: thousands of near hashes would be millions of pairs. */
export const MAX_NEIGHBOURS = 200;

/** Members of a group that are shown. */
export const MAX_SHOWN = 200;

/** Throws `ConfigError` (`CONFIG_INVALID`). */
export function limitsFrom(given: Partial<Limits> = {}): Limits {
  const limits = { ...DEFAULT_LIMITS, ...given };
  check("radius", limits.radius, STORED_RADIUS);
  check("review256", limits.review256, STORED_256);
  check("same256", limits.same256, limits.review256);
  return limits;
}

function check(name: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= most) return;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `The limit ${name} of duplicates is ${value}.`,
    hint: `It takes a whole number from 0 to ${most}.`,
  });
}
