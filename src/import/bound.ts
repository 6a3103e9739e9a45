/**
 * An import is bound to the origin that its images came from. Another origin under the same name would mark all images of
 * the first as missing. An import without any image may be bound to any origin.
 *
 *   unbound ─ first scan ─► bound ─ another origin ─► refused, or with `newOrigin` bound to that one
 *
 * The binding changes in the transaction that begins a scan, because from then on the files are those of the new origin.
 */
import type { Connection } from "../database/connection.ts";
import { ImportFailed } from "../errors.ts";
import { type BoundOrigin, bindingOf } from "../images/origins.ts";
import { createScans } from "../images/scans.ts";
import type { Origin, OriginSettings } from "../origin/origin.ts";
import { command } from "./problems.ts";
import type { ImportSettings } from "./settings.ts";

export interface BoundOptions {
  readonly schema: string;
  readonly origin: Pick<Origin, "realBase" | "hostKey">;
}

/** The origin to bind the import to. Throws `ImportFailed` `IMPORT_ORIGIN_CHANGED` if it is bound to another one. */
export async function requireOrigin(
  connection: Connection,
  settings: ImportSettings,
  { schema, origin }: BoundOptions,
): Promise<BoundOrigin> {
  const found = identityOf(settings.origin, origin);
  const { bound, holdsImages } = await bindingOf(connection, schema, settings.name);
  if (!holdsImages || settings.newOrigin === true) return found;
  if (bound !== null) {
    if (isSame(bound, found)) return found;
    throw originChanged(settings, { before: shown(bound), now: shown(found) });
  }
  const told = await createScans(schema, settings.name).lastOrigin(connection);
  if (told === undefined || isOf(told, found)) return found;
  throw originChanged(settings, { before: told.split(/ (?=\/)/)[0] ?? told, now: shown(found) });
}

function identityOf(
  settings: OriginSettings,
  { realBase: base, hostKey }: Pick<Origin, "realBase" | "hostKey">,
): BoundOrigin {
  if (settings.kind === "directory")
    return { kind: "directory", host: null, port: null, hostKey: null, base };
  const host = settings.host.toLowerCase().replace(/\.$/, "");
  return { kind: "sftp", host, port: settings.port, hostKey: hostKey ?? null, base };
}

/** A server with another name or port is the same if it shows the same key. */
function isSame(left: BoundOrigin, right: BoundOrigin): boolean {
  const isSameHost = left.host === right.host && left.port === right.port;
  const isSameKey = left.hostKey !== null && left.hostKey === right.hostKey;
  return left.kind === right.kind && left.base === right.base && (isSameHost || isSameKey);
}

/** Whether the words with which an earlier release recorded a scan, description and real base, are about this origin. */
function isOf(told: string, { kind, host, port, base }: BoundOrigin): boolean {
  if (!told.endsWith(` ${base}`) || told.startsWith("sftp://") !== (kind === "sftp")) return false;
  return kind === "directory" || told.toLowerCase().includes(`@${host}${port === 22 ? "" : `:${port}`}/`);
}

function shown({ host, port, base }: BoundOrigin): string {
  if (host === null) return base;
  return `sftp://${host}${port === 22 ? "" : `:${port}`}${base.startsWith("/") ? "" : "/"}${base}`;
}

function originChanged(
  settings: ImportSettings,
  { before, now }: { readonly before: string; readonly now: string },
): ImportFailed {
  const { name } = settings;
  const other =
    settings.otherName === undefined
      ? `If this is another origin, give it an import of its own in the configuration, or correct ${settings.originFrom}.`
      : `If these are other files, give them another name: ${command(settings, { name: settings.otherName })}.`;
  return new ImportFailed({
    code: "IMPORT_ORIGIN_CHANGED",
    message: `The images of import ${name} came from ${before}, and its origin is now ${now}: nothing was imported, and nothing marked as missing.`,
    hint: `${other} If the same files are there now: ${command(settings, { flag: "--new-origin" })}.`,
    details: { import: name, before, now },
  });
}
