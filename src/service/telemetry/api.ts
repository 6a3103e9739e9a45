/** `@opentelemetry/api`, if it is installed beside Godwit or in the project. */
import { createRequire } from "node:module";
import { join } from "node:path";

export type Api = typeof import("@opentelemetry/api");

/** `null`: it can't be found. */
export async function loadApi(root: string): Promise<Api | null> {
  try {
    return await import("@opentelemetry/api");
  } catch {
    // A command that is installed elsewhere, such as globally, does not see the packages of the project.
    try {
      return createRequire(join(root, "package.json"))("@opentelemetry/api") as Api;
    } catch {
      return null;
    }
  }
}
