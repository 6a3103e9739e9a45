/** From a configuration to everything that `doctor` says about it. */
import type { Config } from "../config/config.ts";
import { type ShownSetting, shownSettings } from "../config/shown.ts";
import { looksPooled } from "../database/address/pooling.ts";
import { examineDatabase, examineFiles, type Finding, findingsOf, ok } from "../run/doctor.ts";
import type { RunContext, Target } from "../run/session/target.ts";
import { type Assembled, isAddressed } from "./assemble.ts";
import { assembleImports } from "./imports.ts";
import { type SourceOptions, withSource } from "./source.ts";

export interface Diagnosis {
  /** Nothing is a problem. Warnings may remain. */
  readonly healthy: boolean;
  readonly settings: readonly ShownSetting[];
  readonly findings: readonly Finding[];
}

export interface DiagnoseOptions extends SourceOptions {
  /** What values come from where there is no configuration file. */
  readonly given: string;
  /** Opens the target for as long as `use` takes. What it throws is a finding. */
  readonly withTarget: <T>(use: (assembled: Assembled, context: RunContext) => Promise<T>) => Promise<T>;
}

/** Looks at the files even if the database cannot be reached. */
export async function diagnose(config: Config, options: DiagnoseOptions): Promise<Diagnosis> {
  const { given, withTarget, ...sourceOptions } = options;
  const { signal } = sourceOptions;
  const findings = [
    ok("configuration", config.file ?? `no file; ${given}, environment and defaults`),
    ...(await findingsOf(
      "files",
      () =>
        withSource(config, sourceOptions, (source) =>
          examineFiles(source, { recognised: config.values.layout === null }),
        ),
      signal,
    )),
    ...(await findingsOf(
      "database",
      () => withTarget((assembled, context) => examined(config, assembled, context)),
      signal,
    )),
  ];
  return {
    healthy: !findings.some(({ state }) => state === "problem"),
    settings: shownSettings(config),
    findings,
  };
}

async function examined(
  config: Config,
  { target, address, api, embedded }: Assembled,
  context: RunContext,
): Promise<readonly Finding[]> {
  const place = address?.display ?? (api === null ? "provided by the program" : `${api} over HTTPS`);
  const facts = {
    display: `${place}${embedded === null ? "" : ` (embedded, in ${embedded})`}`,
    addressed: isAddressed(config) || address === null,
    pooled: address === null ? undefined : looksPooled(address),
  };
  const imports = () => examineConfigured(config, target, context);
  return [
    ...(await examineDatabase(target, facts, context)),
    ...(await findingsOf("imports", imports, context.signal)),
  ];
}

async function examineConfigured(config: Config, target: Target, context: RunContext) {
  const imports = await assembleImports(config);
  if (imports.length === 0) return [];
  const { examineImports } = await import("../run/doctor-imports.ts");
  return examineImports(target, imports, context);
}
