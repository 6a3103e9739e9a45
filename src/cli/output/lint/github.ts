/** Findings as annotations of GitHub Actions: workflow commands, a line each. */
import type { LintFinding } from "../../../analysis/finding.ts";
import type { Linted } from "../../../run/lint.ts";
import { redact } from "../../../std/secret.ts";
import { pathFrom } from "./path.ts";

const COMMANDS = { error: "error", warning: "warning", hint: "notice" } as const;

export function lintGithub({ findings, folder }: Linted, root: string): string {
  return findings.map((finding) => annotation(finding, pathFrom(root, folder, finding))).join("\n");
}

function annotation(
  { level, line, column, endLine, rule, message, hint }: LintFinding,
  file: string,
): string {
  const properties = { file, line, endLine, col: column, title: rule };
  const written = Object.entries(properties).map(
    ([name, value]) => `${name}=${escapeProperty(String(value))}`,
  );
  const said = redact(hint === null ? message : `${message}\n${hint}`);
  return `::${COMMANDS[level]} ${written.join(",")}::${escapeData(said)}`;
}

/** As the runner's toolkit does it: `%` first. */
function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

/** In a property, a comma or a colon would end it. */
function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
