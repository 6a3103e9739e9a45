/** Loads `godwit.config.*` where it cannot hurt, and gives back its content as plain data. */
import { pathToFileURL } from "node:url";
import type { LoadedConfig } from "../host/protocol.ts";
import { registerTypeScript } from "../source/module/typescript.ts";

export async function loadConfigFile(path: string): Promise<LoadedConfig> {
  const before = { ...process.env };
  // It and what it imports may hold a secret, and nothing of that is kept anywhere else.
  await registerTypeScript(null);
  const loaded = (await import(pathToFileURL(path).href)) as { default?: unknown };
  const exported = (await loaded.default) as { default?: unknown } | undefined;
  // TypeScript compiled to CommonJS wraps it once more.
  const content: unknown = await (exported?.default ?? exported);
  const environment: Record<string, string | undefined> = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(process.env)]))
    if (process.env[name] !== before[name]) environment[name] = process.env[name];
  return { content: typeof content === "object" ? plain(content, "") : undefined, environment };
}

/** Throws for what cannot be data. */
function plain(value: unknown, at: string): unknown {
  if (typeof value === "function" || typeof value === "symbol")
    throw new Error(`${at} is a ${typeof value}, and only plain values can be configured`);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each, index) => plain(each, `${at}[${index}]`));
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([key, each]) => [key, plain(each, at === "" ? key : `${at}.${key}`)]),
  );
}
