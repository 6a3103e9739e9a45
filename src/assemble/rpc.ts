/** Whether Supabase's HTTPS API is the way to the database, and where it is. */
import type { Config } from "../config/config.ts";
import type { Endpoint } from "../database/rpc/endpoint.ts";
import { ConfigError } from "../errors.ts";
import type { Target } from "../run/session/target.ts";

/**
 * A URL that was typed comes first, then what `USE_NODE_MIGRATIONS` says. Without it `DATABASE_URL` comes first, because a
 * session can do more than a request; `SUPABASE_DB_URL` is the way for those who say false.
 */
export function isOverHttps({ values, provenances, target }: Config, addressed: boolean): boolean {
  if (target !== null || values.useNodeMigrations === false) return false;
  if (values.supabaseUrl === null || values.supabaseKey === null) return false;
  if (!addressed) return true;
  const from = provenances.databaseUrl;
  if (values.useNodeMigrations === true) return from.kind !== "flag";
  return from.kind === "variable" && from.name === "SUPABASE_DB_URL";
}

/** The API needs a URL and a key. Throws `ConfigError` (`URL_MISSING`) where one of them is there, and no database URL. */
export function refuseHalfApi({ values, provenances }: Config): void {
  const { supabaseUrl, supabaseKey } = values;
  if ((supabaseUrl === null) === (supabaseKey === null)) return;
  const missing = supabaseUrl === null ? "NEXT_PUBLIC_SUPABASE_URL" : "SUPABASE_SERVICE_ROLE_KEY";
  const from = provenances[supabaseUrl === null ? "supabaseKey" : "supabaseUrl"];
  throw new ConfigError({
    code: "URL_MISSING",
    message: `${from.kind === "variable" ? from.name : "A part of Supabase's API"} is set, and ${missing} is not: over HTTPS both are needed.`,
    hint: `Set ${missing}, or a database URL (SUPABASE_DB_URL or DATABASE_URL).`,
    details: { variable: missing },
  });
}

/** Throws `ConfigError`. Nothing is connected yet. */
export async function openerOverHttps(
  config: Config,
): Promise<{ readonly open: Target["open"]; readonly endpoint: Endpoint }> {
  const { values, provenances } = config;
  if (values.supabaseUrl === null || values.supabaseKey === null) throw new Error("No API is configured.");
  if (values.role !== null)
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `The role "${values.role}" cannot be taken over HTTPS: migrations run as the owner of the function.`,
      hint: "Leave it out, or use a database URL (SUPABASE_DB_URL with USE_NODE_MIGRATIONS=false).",
    });
  const [{ endpointOf }, { openRpc }] = await Promise.all([
    import("../database/rpc/endpoint.ts"),
    import("../database/rpc/rpc.ts"),
  ]);
  const nameOf = (key: "supabaseUrl" | "supabaseKey", name: string) => {
    const from = provenances[key];
    return from.kind === "variable" ? from.name : name;
  };
  const endpoint = endpointOf({
    url: values.supabaseUrl,
    key: values.supabaseKey,
    names: {
      url: nameOf("supabaseUrl", "NEXT_PUBLIC_SUPABASE_URL"),
      key: nameOf("supabaseKey", "SUPABASE_SERVICE_ROLE_KEY"),
    },
  });
  return { open: ({ applicationName, signal }) => openRpc(endpoint, { applicationName, signal }), endpoint };
}
