/** Limits: how close two files must be, and how much of that is stored. */
import { ConfigError } from "../errors.ts";

export interface Limits {
  /** How many of 64 bits may differ, from 0 to 7. Pairs further apart are not searched. */
  readonly radius: number;
  /** Up to this many different bits of 256, it is the same design. */
  readonly same256: number;
  /** Up to this many different bits of 256, a person should look. 0 to 64. */
  readonly review256: number;
}

/**
 * Measured on synthetic designs: resized and re-encoded ones differ in at most 8 of 256 bits, and others in at least
 * 42.
 */
export const DEFAULT_LIMITS: Limits = { radius: 7, same256: 24, review256: 40 };

/** The radius that is compared and stored, whatever is listed later. So a changed limit needs no new comparison. */
export const STORED_RADIUS = 7;
export const STORED_256 = 64;

/**
 * How many of its nearest older classes are stored for each class. Thousands of near hashes would mean millions of
 * pairs.
 */
export const MAX_NEIGHBOURS = 200;

/** How many members of a group are shown. */
export const MAX_SHOWN = 200;

/** Checks limits and fills in the defaults. Throws `ConfigError` (`CONFIG_INVALID`). */
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
