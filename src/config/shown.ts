/** The settings as `doctor` shows them: each value for people, without its secrets, and where it came from. */
import { isAdo, parseAddress } from "../database/address/address.ts";
import type { Delays } from "../std/delays.ts";
import { redact, Secret } from "../std/secret.ts";
import { formatDuration } from "../std/time.ts";
import type { Config } from "./config.ts";
import { OPTIONS } from "./options.ts";
import { describeProvenance } from "./values.ts";

export interface ShownSetting {
  readonly key: string;
  readonly value: string;
  /** `--dir`, `GODWIT_DIR`, `dir in godwit.config.ts`, `dir of createMigrator` or `default`. */
  readonly from: string;
}

export function shownSettings({ values, provenances }: Config): readonly ShownSetting[] {
  return OPTIONS.map((option) => ({
    key: option.key,
    value:
      option.kind === "duration"
        ? durationOf(Number(values[option.key]))
        : option.kind === "url"
          ? shownUrl(values[option.key])
          : option.kind === "delays"
            ? delaysOf(values[option.key] as Delays)
            : shown(values[option.key]),
    from: describeProvenance(option, provenances[option.key]),
  }));
}

function delaysOf({ listMs, growing }: Delays): string {
  return `${growing ? "exponential " : ""}${listMs.map(durationOf).join(", ")}`;
}

function durationOf(milliseconds: number): string {
  return milliseconds === 0 ? "none" : formatDuration(milliseconds);
}

/** Without its password. A text that is no URL is not shown, because nobody knows which part of it is a password. */
function shownUrl(value: unknown): string {
  if (!(value instanceof Secret)) return "(none)";
  try {
    return parseAddress({ url: value.reveal(), environment: {}, systemUser: "?" }).display;
  } catch {
    return isAdo(value.reveal())
      ? "*** (an ADO.NET connection string, not a database URL)"
      : "*** (not a database URL)";
  }
}

function nameOf(value: unknown): string {
  return typeof value === "object" && value !== null && "name" in value ? String(value.name) : String(value);
}

function shown(value: unknown): string {
  if (value === null || (Array.isArray(value) && value.length === 0)) return "(none)";
  // Of a check only its name: its URL may hold a token.
  if (Array.isArray(value)) return redact(value.map(nameOf).join(", "));
  if (value instanceof Secret) return String(value);
  // Only the names: a value may be a secret.
  if (typeof value === "object") return Object.keys(value).join(", ") || "(none)";
  return redact(String(value));
}
