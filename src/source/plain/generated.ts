/** What `godwit new --autogenerate` writes into a file. Pure. */
import type { Language } from "./template.ts";

export interface GeneratedMigration {
  readonly up: readonly string[];
  readonly down: readonly string[];
  /** `false`: some statement takes effect only when its transaction has ended. */
  readonly transaction: boolean;
}

export function generatedText(
  language: Language,
  revises: readonly string[] | null,
  { up, down, transaction }: GeneratedMigration,
): string {
  const parents = revises !== null && revises.length === 0 ? "none" : revises;
  if (language === "sql") {
    const settings = [
      ...(parents === null ? [] : [`revises=${parents}`]),
      ...(transaction ? [] : ["transaction=off"]),
    ];
    const header = settings.length === 0 ? "" : `-- godwit: ${settings.join(" ")}\n\n`;
    return `${header}-- migrate:up\n${lines(up)}\n-- migrate:down\n${lines(down)}`;
  }
  return `import { migration } from "godwit";

export default migration({
${parents === null ? "" : `  revises: ${JSON.stringify(parents)},\n`}${transaction ? "" : "  transaction: false,\n"}  async up({ sql }) {
${calls(up)}  },

  async down({ sql }) {
${calls(down)}  },
});
`;
}

function lines(statements: readonly string[]): string {
  return statements.map((text) => `${text};\n`).join("");
}

function calls(statements: readonly string[]): string {
  return statements.map((text) => `    await sql\`${text.replace(/[\\`]|\$(?=\{)/g, "\\$&")}\`;\n`).join("");
}
