/** `godwit lint` */
import { isAtLeast, LEVELS } from "../../analysis/finding.ts";
import { REMARKS, RULES } from "../../analysis/rules/rules.ts";
import { SQUAWK_DEFAULTS, SQUAWK_RULES } from "../../analysis/squawk/rules.ts";
import { PREFIX } from "../../analysis/squawk/squawk.ts";
import { lintAll } from "../../assemble/lint.ts";
import { majorVersion } from "../../config/lint.ts";
import { chooseTargets, unknownTarget } from "../../config/targets/targets.ts";
import { ConfigError } from "../../errors.ts";
import type { Linted } from "../../run/lint.ts";
import { repositoryOf } from "../../std/git.ts";
import type { Answer, Invocation } from "../command.ts";
import { refuseFlags } from "../given.ts";
import { lintGithub } from "../output/lint/github.ts";
import { lintSarif } from "../output/lint/sarif.ts";
import { lintText, summaryLines } from "../output/lint/text.ts";

const FORMATS = ["text", "json", "sarif", "github"] as const;

export async function run(invocation: Invocation): Promise<Answer> {
  const { flags, arguments: files, say, observe, signal } = invocation;
  const format = choice(flags.format, FORMATS, "--format") ?? "text";
  if (flags.rules === true && (format === "sarif" || format === "github"))
    refuseFlags("godwit lint --rules", flags, ["format"]);
  if (flags.rules === true) return rulesAnswer();
  if (files.length > 0) refuseFlags("godwit lint with files", flags, ["all"]);
  const config = await invocation.config();
  const level = choice(flags.level, LEVELS, "--level") ?? config.values.lint.level;
  const postgresVersion = versionOf(flags.postgresVersion);
  const given = { files, all: flags.all === true, postgresVersion };
  const [asked] = config.values.target;
  if (config.targets === null && asked !== undefined) throw unknownTarget(asked, []);
  const configs =
    config.targets === null
      ? [config]
      : chooseTargets(config, {
          ...{ names: config.values.target, flags, workingFolder: process.cwd(), folders: true },
        });
  const linted = await lintAll(config, { ...given, configs }, { say, observe, signal });
  const fails = linted.findings.some((finding) => isAtLeast(finding.level, level));
  const json = { ...linted, level };
  const here = process.cwd();
  // Whoever reads annotations looks for files below the repository's root, wherever the command runs.
  const root = format === "text" ? here : (repositoryOf(here, config.environment) ?? here);
  // What another program reads has no room for it.
  if (format === "sarif" || format === "github") for (const line of summaryLines(linted)) say(line);
  return {
    json,
    text: render(format, linted, { root, invocation }),
    result: true,
    whole: format !== "text",
    ...(fails ? { exitCode: 1 } : {}),
  };
}

function render(
  format: (typeof FORMATS)[number],
  linted: Linted,
  { root, invocation }: { root: string; invocation: Invocation },
): string {
  switch (format) {
    case "text":
      return lintText(linted, { root, paint: invocation.terminal.paint });
    case "json":
      return ""; // it is the document of --json
    case "sarif":
      return lintSarif(linted, root);
    case "github":
      return lintGithub(linted, root);
  }
}

function rulesAnswer(): Answer {
  const own = [...RULES, ...REMARKS].map(({ id, level, what }) => ({ id, level: level as string, what }));
  const squawk = [
    ...SQUAWK_RULES.map(({ id, level, because }) => ({
      id: PREFIX + id,
      level: level as string,
      what: because,
    })),
    ...SQUAWK_DEFAULTS.map((id) => ({ id: PREFIX + id, level: "as Squawk says", what: "" })),
  ];
  const rules = [...own, ...squawk];
  const width = Math.max(...rules.map(({ id }) => id.length));
  const lines = rules.map(({ id, level, what }) =>
    `${id.padEnd(width)}  ${level.padEnd(7)}  ${what}`.trimEnd(),
  );
  return {
    json: { rules },
    text: lines.join("\n"),
    result: true,
  };
}

function choice<Word extends string>(
  given: Invocation["flags"][string],
  words: readonly Word[],
  flag: string,
): Word | undefined {
  if (given === undefined) return undefined;
  const word = words.find((one) => one === given);
  if (word !== undefined) return word;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `${flag} is not one of ${words.join(", ")}: "${String(given)}".`,
    hint: `Write ${words.join(" or ")}.`,
    details: { from: "flag" },
  });
}

function versionOf(given: Invocation["flags"][string]): number | undefined {
  if (given === undefined) return undefined;
  const version = majorVersion(String(given));
  if (version !== null) return version;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `--postgres-version is no version of PostgreSQL: "${String(given)}".`,
    hint: "Write the major version: `godwit lint --postgres-version 17`",
    details: { from: "flag" },
  });
}
