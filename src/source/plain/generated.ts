/** What `godwit new --autogenerate` writes into a file. Pure. */
import type { Language } from "./template.ts";

export interface GeneratedMigration {
  readonly up: readonly string[];
  readonly down: readonly string[];
  /** `false`: some statement takes effect only when its transaction has ended. */
  readonly transaction: boolean;
  /** A comment each above the statements: what they lose, and what they fail by. */
  readonly cautions: { readonly up: readonly string[]; readonly down: readonly string[] };
}

export function generatedText(
  language: Language,
  revises: readonly string[] | null,
  { up, down, transaction, cautions }: GeneratedMigration,
): string {
  const parents = revises !== null && revises.length === 0 ? "none" : revises;
  if (language === "sql") {
    const settings = [
      ...(parents === null ? [] : [`revises=${parents}`]),
      ...(transaction ? [] : ["transaction=off"]),
    ];
    const header = settings.length === 0 ? "" : `-- godwit: ${settings.join(" ")}\n\n`;
    return `${header}-- migrate:up\n${comments("-- ", cautions.up)}${lines(up)}\n-- migrate:down\n${comments("-- ", cautions.down)}${lines(down)}`;
  }
  return `import { migration } from "godwit";

export default migration({
${parents === null ? "" : `  revises: ${JSON.stringify(parents)},\n`}${transaction ? "" : "  transaction: false,\n"}  async up({ sql }) {
${comments("    // ", cautions.up)}${calls(up)}  },

  async down({ sql }) {
${comments("    // ", cautions.down)}${calls(down)}  },
});
`;
}

/** A name may contain the end of a line, behind which its rest would be no comment. */
function comments(mark: string, words: readonly string[]): string {
  return words.map((one) => `${mark}${one.replace(/\s+/g, " ")}\n`).join("");
}

function lines(statements: readonly string[]): string {
  return statements.map((text) => `${text};\n`).join("");
}

function calls(statements: readonly string[]): string {
  return statements.map((text) => `    await sql\`${text.replace(/[\\`]|\$(?=\{)/g, "\\$&")}\`;\n`).join("");
}
