/** Findings as SARIF 2.1.0, for code scanning. */
import type { LintFinding } from "../../../analysis/finding.ts";
import { REMARKS, RULES } from "../../../analysis/rules/rules.ts";
import type { Linted } from "../../../run/lint.ts";
import { redact } from "../../../std/secret.ts";
import { VERSION } from "../../../std/version.ts";
import { pathFrom } from "./path.ts";

const LEVELS = { error: "error", warning: "warning", hint: "note" } as const;

export function lintSarif({ findings, folder, notUnderstood }: Linted, root: string): string {
  const ids = [...new Set(findings.map(({ rule }) => rule))];
  const run = {
    tool: { driver: { name: "godwit", semanticVersion: VERSION, version: VERSION, rules: ids.map(ruleOf) } },
    columnKind: "unicodeCodePoints",
    invocations: [
      {
        executionSuccessful: true,
        toolExecutionNotifications: notUnderstood.map(({ line, what, ...each }) => ({
          level: "note",
          message: { text: `Not understood: ${what}.` },
          locations: [{ physicalLocation: placeOf(pathFrom(root, folder, each), { startLine: line }) }],
        })),
      },
    ],
    results: findings.map((finding) => resultOf(finding, ids, pathFrom(root, folder, finding))),
  };
  const log = { $schema: SCHEMA, version: "2.1.0", runs: [run] };
  return `${JSON.stringify(log, null, 2)}\n`;
}

const SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json";

function ruleOf(id: string): object {
  const rule = RULES.find((one) => one.id === id);
  const what = rule?.what ?? REMARKS.find((one) => one.id === id)?.what;
  return {
    id,
    ...(what === undefined ? {} : { shortDescription: { text: what } }),
    ...(rule === undefined
      ? {}
      : {
          fullDescription: { text: rule.why },
          help: { text: rule.safer },
          defaultConfiguration: { level: LEVELS[rule.level] },
        }),
  };
}

function resultOf(finding: LintFinding, ids: readonly string[], path: string): object {
  const { rule, level, message, hint, line, column, endLine } = finding;
  const region = { startLine: line, startColumn: column, endLine };
  return {
    ruleId: rule,
    ruleIndex: ids.indexOf(rule),
    level: LEVELS[level],
    message: { text: redact(hint === null ? message : `${message} ${hint}`) },
    locations: [{ physicalLocation: placeOf(path, region) }],
  };
}

function placeOf(path: string, region: object): object {
  const uri = path.split("/").map(encodeURIComponent).join("/");
  return { artifactLocation: { uri }, region };
}
