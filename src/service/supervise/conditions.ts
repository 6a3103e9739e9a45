/** Whether migrations run beside an app. Pure. */
import { type Switches, switchedOff } from "../../config/switched-off.ts";

/**
 * Beside an app, the environment counts as well: on a developer's machine the same start command must not migrate. Whoever
 * types `godwit up` wants it now, so it does not count there.
 */
export function whyNotBesideApp(
  values: Switches & { readonly environments: readonly string[] },
  nodeEnvironment: string | undefined,
): string | null {
  const off = switchedOff(values);
  if (off !== null) return off;
  const { environments } = values;
  const name = nodeEnvironment?.trim() ?? "";
  if (environments.includes(name)) return null;
  const rule = `Beside an app migrations run only where it is ${environments.join(" or ")}`;
  return name === ""
    ? `No migration is run: NODE_ENV is not set. ${rule}. Set NODE_ENV, or name your environments with --environments.`
    : `No migration is run: NODE_ENV is "${name}". ${rule}.`;
}
