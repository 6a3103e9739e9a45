/** What the options mean together; pure. */
import type { Phase } from "../core/migration.ts";
import type { ImportConfig } from "./imports.ts";
import type { OptionKey, Values } from "./options.ts";
import type { Origin } from "./values.ts";

export interface Config {
  readonly values: Values;
  readonly origins: Readonly<Record<OptionKey, Origin>>;
  /** The folder that belongs to the project: the configuration file's, or the working directory. */
  readonly root: string;
  /** The configuration file, absolute. */
  readonly file: string | null;
  /** Migrations, absolute. */
  readonly folder: string;
  readonly cacheFolder: string;
  readonly phases: readonly Phase[];
  /** As configured, or the one that the environment implies by naming a NAS. */
  readonly imports: readonly ImportConfig[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const PHASES_OF_MODE = {
  all: ["startup", "import", "complex"],
  startup: ["startup"],
  "nas-only": ["import"],
} as const;

/** `contract` runs only where it is named. */
export function phasesOf(values: Values): readonly Phase[] {
  const phases: readonly Phase[] = values.phase ?? PHASES_OF_MODE[values.mode];
  return values.contract && !phases.includes("contract") ? [...phases, "contract"] : phases;
}
