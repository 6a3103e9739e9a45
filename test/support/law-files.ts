/** Migrations of every form for the law of truth: each part leaves its names in `effects`, and one part may be in trouble. */

export const FORMS = [
  "transaction",
  "off",
  "block",
  "call",
  "units",
  "module",
  "module-outside",
  "repeatable",
] as const;
export type Form = (typeof FORMS)[number];

export interface LawFile {
  readonly form: Form;
  readonly name: string;
  readonly parts: number;
}

export interface Trouble {
  readonly file: LawFile;
  /** Counts from 0. */
  readonly part: number;
  /** A query that fails or waits. */
  readonly query: string;
}

/** What one part of a file leaves: all of it or nothing. */
export function effectsOf({ name }: LawFile, part: number): readonly string[] {
  return [`${name}.${part}a`, `${name}.${part}b`];
}

export const revisionOf = ({ name }: LawFile) => name;

/** Its path in the folder, and its text. `prisma`: a folder of that layout. */
export function render(file: LawFile, trouble: Trouble | null, prisma: boolean): readonly [string, string] {
  const parts = Array.from({ length: file.parts }, (_, part) => insertOf(file, part, trouble));
  const path = prisma ? `${file.name}/migration.sql` : `${file.name}.sql`;
  switch (file.form) {
    case "transaction":
      return [path, `${parts.join(";\n")};\n`];
    case "repeatable":
      return [`repeatable/${file.name}.sql`, `${parts.join(";\n")};\n`];
    case "off":
      return [path, `-- godwit: transaction=off\n${parts.join(";\n")};\n`];
    case "block":
      return [path, `do $$ begin ${parts.join(";\ncommit;\n")}; commit; end $$;\n`];
    case "call":
      return [path, `call ${file.name}();\n`];
    case "units":
      return [path, `${parts.map((part) => `begin;\n${part};\nselect 1;\ncommit;`).join("\n")}\n`];
    case "module":
      return [`${file.name}.ts`, `export async function up({ execute }: any) {\n${calls(parts)}\n}\n`];
    case "module-outside":
      return [
        `${file.name}.ts`,
        `export default { transaction: false, async up({ execute }: any) {\n${calls(parts)}\n} };\n`,
      ];
  }
}

/** What stands outside the file: the procedure that it calls. */
export function procedureOf(file: LawFile, trouble: Trouble | null): string {
  const parts = Array.from({ length: file.parts }, (_, part) => insertOf(file, part, trouble));
  return `create or replace procedure ${file.name}() language plpgsql as $$ begin ${parts.join("; commit; ")}; commit; end $$`;
}

function insertOf(file: LawFile, part: number, trouble: Trouble | null): string {
  const values = effectsOf(file, part)
    .map((effect) => `('${effect}')`)
    .join(", ");
  const insert = `insert into effects select w from (values ${values}) v (w)`;
  if (trouble === null || trouble.file !== file || trouble.part !== part) return insert;
  return `${insert}, (${trouble.query}) t`;
}

function calls(parts: readonly string[]): string {
  return parts.map((part) => `await execute(${JSON.stringify(part)});`).join("\n");
}
