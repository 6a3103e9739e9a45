/** Texts sort as on the target: by the rules of a language that takes several times as long as by bytes. Pure. */
import { identifier, literal } from "../core/sql/quote.ts";

/** Of the database of the target, as `pg_database` has it. */
export interface Locale {
  /** `c`: of the operating system, `i`: ICU, `b`: built in. */
  readonly provider: string;
  readonly collate: string;
  readonly ctype: string;
  /** Of ICU, or built in. */
  readonly name: string | null;
}

/** Statements that make a database, the first of which that succeeds is enough: not every machine has every locale. */
export function databasesLike(
  database: string,
  { provider, collate, ctype, name }: Locale,
): readonly string[] {
  const make = (rest: string) =>
    `create database ${identifier(database)} template template0 encoding 'UTF8' strategy file_copy ${rest}`;
  const icu = (locale: string) => make(`locale_provider icu icu_locale ${literal(locale)} locale 'C'`);
  const plain = `create database ${identifier(database)} template template0 strategy file_copy`;
  if (provider === "i") return [...(name === null ? [] : [icu(name)]), icu("und"), plain];
  if (provider !== "c" || /^(?:C|POSIX)(?:\.|$)/i.test(collate)) return [plain];
  const libc = make(`locale_provider libc lc_collate ${literal(collate)} lc_ctype ${literal(ctype)}`);
  return [libc, icu("und"), plain];
}
