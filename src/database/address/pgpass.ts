/** Passwords that libpq's users keep in `~/.pgpass`. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Problem } from "../../errors.ts";
import { Secret } from "../../std/secret.ts";
import type { Address, Host } from "./address.ts";

export interface PasswordLookup {
  readonly password: Secret | undefined;
  /** Set when the file is there but was not trusted. */
  readonly warning?: Problem | undefined;
}

/** Like libpq: a file that others may read is ignored, and a missing one is nothing special. */
export async function lookUpPassword(
  address: Address,
  { homeFolder, host }: { homeFolder: string; host: Host },
): Promise<PasswordLookup> {
  const file = address.passwordFile ?? join(homeFolder, ".pgpass");
  const facts = await stat(file).catch(() => undefined);
  if (!facts?.isFile()) return { password: undefined };
  if (process.platform !== "win32" && (facts.mode & 0o077) !== 0) {
    return {
      password: undefined,
      warning: {
        code: "CONFIG_INVALID",
        message: `The password file ${file} is ignored: its group or everybody may read it.`,
        hint: `chmod 600 ${file}`,
      },
    };
  }
  const text = await readFile(file, "utf8").catch(() => "");
  const found = findPassword(text, { ...host, database: address.database, user: address.user });
  if (found === undefined) return { password: undefined };
  // Who uses a name as a password has no secret.
  const parts = [address.user, address.database].includes(found) ? [] : [found];
  return { password: new Secret(found, { parts }) };
}

/** The password of the first line that fits. Pure. */
export function findPassword(
  text: string,
  wanted: { host: string; port: number; database: string; user: string },
): string | undefined {
  // A socket in the default folder is called localhost in this file.
  const host = wanted.host === "/var/run/postgresql" || wanted.host === "/tmp" ? "localhost" : wanted.host;
  for (const line of text.split(/\r?\n/)) {
    if (line === "" || line.startsWith("#")) continue;
    const fields = splitFields(line);
    const asked = [host, String(wanted.port), wanted.database, wanted.user];
    if (
      fields.length >= 5 &&
      asked.every((value, index) => fields[index] === "*" || unescaped(fields[index]) === value)
    ) {
      return unescaped(fields[4]);
    }
  }
  return undefined;
}

function splitFields(line: string): string[] {
  return (
    line
      .match(/(?:^|:)((?:[^:\\]|\\.|\\$)*)/g)
      ?.map((field, index) => (index === 0 ? field : field.slice(1))) ?? []
  );
}

function unescaped(field: string | undefined): string {
  return (field ?? "").replace(/\\(.)/g, "$1");
}
