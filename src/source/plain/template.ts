/** What `godwit new` writes into a file. Pure. */

export type Language = "sql" | "ts";

export function templateOf(language: Language, revises: readonly string[] | null): string {
  if (language === "sql") {
    const header =
      revises === null ? "" : `-- godwit: revises=${revises.length === 0 ? "none" : revises.join(",")}\n\n`;
    return `${header}-- migrate:up\n\n\n-- migrate:down\n\n`;
  }
  const parents =
    revises === null ? "" : `  revises: ${JSON.stringify(revises.length === 0 ? "none" : revises)},\n`;
  return `import { migration } from "godwit";

export default migration({
${parents}  // For example: async up({ sql }) { await sql\`update shops set slug = lower(name) where slug is null\`; },
  async up() {},

  async down() {},
});
`;
}
