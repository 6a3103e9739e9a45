/** Chooses the kind of origin from the settings. Each kind is loaded when it is first used. */
import type { OpenOptions, Origin, OriginSettings } from "./origin.ts";

/**
 * Opens an origin and checks that its base is a readable folder. Throws `ImportFailed`: `ORIGIN_UNREACHABLE`,
 * `ORIGIN_LOGIN`, `ORIGIN_HOST_UNKNOWN`, `ORIGIN_HOST_CHANGED`, `ORIGIN_BASE_MISSING`, `ORIGIN_BASE_UNREADABLE`,
 * `ORIGIN_PACKAGE_MISSING`.
 */
export async function openOrigin(settings: OriginSettings, options: OpenOptions): Promise<Origin> {
  return settings.kind === "directory"
    ? (await import("./directory.ts")).openDirectory(settings)
    : (await import("./sftp.ts")).openSftp(settings, options);
}
