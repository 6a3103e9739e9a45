/** Set by the build. If you run from source, there is no release to name. */
declare const __GODWIT_VERSION__: string | undefined;

export const VERSION: string = typeof __GODWIT_VERSION__ === "string" ? __GODWIT_VERSION__ : "0.0.0-source";
