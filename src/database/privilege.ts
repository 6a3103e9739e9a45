/** What to grant where the server says that a privilege is missing. The words are those of PostgreSQL's `aclcheck_error`. */
import { identifier } from "../core/sql/quote.ts";

const PRIVILEGES: Readonly<Record<string, string>> = {
  schema: "USAGE, CREATE ON SCHEMA",
  table: "SELECT, INSERT, UPDATE, DELETE ON TABLE",
  sequence: "USAGE, SELECT ON SEQUENCE",
  database: "CREATE ON DATABASE",
  function: "EXECUTE ON FUNCTION",
  procedure: "EXECUTE ON PROCEDURE",
  type: "USAGE ON TYPE",
  language: "USAGE ON LANGUAGE",
};

export interface Missing {
  /** The role that migrates, where it is known. */
  readonly role?: string | undefined;
  /** The schema of what the server has named without one. `null`: it is not known. */
  readonly schemaOf?: ((name: string) => string | null) | undefined;
}

/** The hint is general where the server's words are not known, as in another language. */
export function missingPrivilege(message: string, { role, schemaOf = () => null }: Missing = {}): string {
  const to = role === undefined ? "the role that migrates" : identifier(role);
  const denied = /permission denied for (\w+) (.+)$/.exec(message);
  const privilege = PRIVILEGES[denied?.[1] ?? ""];
  const name = denied?.[2] ?? "";
  const schema = schemaOf(name);
  const inSchema = schema === null ? "" : `${named(schema)}.`;
  if (privilege !== undefined)
    return `As its owner: GRANT ${privilege} ${inSchema}${named(name)} TO ${to}; or use another role's URL.`;
  const owned = /must be owner of (\w+) (.+)$|row-level security policy for (table) (.+)$/.exec(message);
  if (owned !== null) {
    const what = `${owned[1] ?? owned[3]} ${owned[2] ?? owned[4]}`;
    return `Only the owner of ${what} can do this: make ${to} a member of that role (GRANT … TO …), or use the owner's URL.`;
  }
  return "Grant the missing privilege to the role that migrates, or use another role's URL.";
}

/** The server quotes no name in these messages. */
function named(name: string): string {
  return /^[a-z_][\w$]*$/.test(name) || name.startsWith('"') ? name : identifier(name);
}
