/** The whole configuration, after every option is read. Pure. */

import type { Phase } from "../core/migration.ts";
import { quotedName } from "../core/sql/quote.ts";
import type { ImportConfig } from "./imports/imports.ts";
import type { OptionKey, Values } from "./options.ts";
import type { Provenance } from "./values.ts";
import type { WebhookConfig } from "./webhooks.ts";

export interface Config {
  readonly values: Values;
  readonly provenances: Readonly<Record<OptionKey, Provenance>>;
  /** The root folder of the project: that of the configuration file, or the working directory. */
  readonly root: string;
  /** Absolute path of the configuration file. `null`: there is none. */
  readonly file: string | null;
  /** Absolute path of the folder of migrations. */
  readonly folder: string;
  readonly cacheFolder: string;
  readonly phases: readonly Phase[];
  /** The configured imports, or the one that the environment implies by naming a NAS. */
  readonly imports: readonly ImportConfig[];
  readonly webhooks: readonly WebhookConfig[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `targets` of the file. Its shape is checked, its values are not read yet. `null`: there is only one database. */
  readonly targets: GivenTargets | null;
  /** The content of the file, for options that a target does not set. */
  readonly given: Readonly<Record<string, unknown>>;
  /** The target that this configuration is for. `null`: no target is chosen yet, or there are none. */
  readonly target: NamedTarget | null;
  /** Notes for the author of the configuration, such as that a name has changed. One line each. */
  readonly notes: readonly string[];
  /** Variables of `environment` that are only in `.env`, by name: that file. */
  readonly origins: ReadonlyMap<string, string>;
  /** Why a `.env` that is there was not read, and how to read it. `null`: none was passed over. */
  readonly passedOver: string | null;
}

export type GivenTargets = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface NamedTarget {
  readonly name: string;
  /**
   * The schemas of the target, before one of them is chosen. Each is migrated as a target. `null`: the target has
   * none.
   */
  readonly schemas: SchemaTargets | null;
  /** The schema that this configuration is for. `null`: a whole target. */
  readonly schema: string | null;
}

export interface SchemaTargets {
  readonly from: { readonly names: readonly string[] } | { readonly query: string };
  /** The one schema that the user named. `null`: all of them. */
  readonly only: string | null;
  readonly canary: string | null;
  readonly create: boolean;
  /** How many schemas run at a time. `null`: this target does not say. */
  readonly parallel: number | null;
}

const PHASES_OF_MODE = {
  all: ["startup", "import", "complex"],
  startup: ["startup"],
  "nas-only": ["import"],
} as const;

/** The phases that a run carries out. `contract` runs only if it is named. */
export function phasesOf(values: Values): readonly Phase[] {
  const phases: readonly Phase[] = values.phase ?? PHASES_OF_MODE[values.mode];
  return values.contract && !phases.includes("contract") ? [...phases, "contract"] : phases;
}

/** The configuration of one schema of a target that has several. */
export function schemaTarget(config: Config, schema: string): Config {
  const { values, target } = config;
  return {
    ...config,
    values: {
      ...values,
      ledgerSchema: values.ledgerSchema.replaceAll("{schema}", () => schema),
      searchPath: values.searchPath?.replaceAll("{schema}", () => quotedName(schema)) ?? null,
    },
    target: { name: `${target?.name}/${schema}`, schemas: null, schema },
  };
}
