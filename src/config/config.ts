/** What the options mean together; pure. */

import type { Phase } from "../core/migration.ts";
import { quotedName } from "../core/sql/quote.ts";
import type { ImportConfig } from "./imports/imports.ts";
import type { OptionKey, Values } from "./options.ts";
import type { Provenance } from "./values.ts";

export interface Config {
  readonly values: Values;
  readonly provenances: Readonly<Record<OptionKey, Provenance>>;
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
  /** What the file has in `targets`, checked as to its shape; `null`: there is the one database. */
  readonly targets: GivenTargets | null;
  /** The file's content, for what targets do not say themselves. */
  readonly given: Readonly<Record<string, unknown>>;
  /** Which of the targets this is; `null`: of none, or of all. */
  readonly target: NamedTarget | null;
  /** What whoever wrote it should know, a line each: names that have changed. */
  readonly notes: readonly string[];
}

export type GivenTargets = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface NamedTarget {
  readonly name: string;
  /** Of one database; each a target by itself, and none of them is meant yet. */
  readonly schemas: SchemaTargets | null;
  /** The one that this is. */
  readonly schema: string | null;
}

export interface SchemaTargets {
  readonly from: { readonly names: readonly string[] } | { readonly query: string };
  /** Of those, the one that was asked for. */
  readonly only: string | null;
  readonly canary: string | null;
  readonly create: boolean;
  /** How many of them at a time, where that is said of this target. */
  readonly parallel: number | null;
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

/** One schema of a target that has several, as a target by itself. */
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
