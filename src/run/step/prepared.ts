/** A step that has been read and analysed. */
import type { Migration, MigrationSettings } from "../../core/migration.ts";
import type { Step } from "../../core/plan.ts";
import type { Problem } from "../../errors.ts";
import type { Body } from "./body.ts";

export interface Prepared {
  readonly step: Step;
  readonly migration: Migration | null;
  readonly settings: MigrationSettings;
  /** How it will be carried out. */
  readonly form: "transaction" | "statements" | "module" | "module-outside";
  /** Why it does not run in one transaction, for people. */
  readonly because: string | null;
  readonly load: () => Promise<Body>;
  readonly problem: Problem | null;
}
