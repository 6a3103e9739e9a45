/** What the guard of a script compares in a folder of our own layout: the words of a row, and those of a file. */
import type { Migration } from "../../core/migration.ts";
import { isLongNumber, numbersOf, spelled } from "../../tools/match.ts";

/** A value of a row, without the extension of a file. */
export const WORD = String.raw`regexp_replace(e.value, ''\.([cm]?[jt]s|sql)$'', '''')`;

/** The number of a version, or in front of a name. Django's apps number theirs each for itself. */
export const NUMBER = `case when e.key like ''version%'' then ltrim(e.value, ''0'')
      when e.key in (''name'', ''filename'', ''migration_name'') and not to_jsonb(t) ? ''app''
      then ltrim(replace(substring(e.value from ''^[0-9][0-9-]*(?=[_-])''), ''-'', ''''), ''0'') end`;

/**
 * Rows of words and numbers that a value says, as `speaksOf` reads it: the word, its spelling, and a long number in front of
 * it. A word that is the name of a file (`$1`) says nothing of another one.
 */
export const SAID = `select ${WORD} as word, ${NUMBER} as number
      union all select s.spelled, case when length(s.front) < 12 then s.front end
        from (select regexp_replace(lower(${WORD}), ''[-_.[:space:]]+'', ''_'', ''g'') as spelled,
          ltrim(replace(substring(${WORD} from ''^([0-9][0-9-]{7,})[-_.]''), ''-'', ''''), ''0'') as front) s where ${WORD} <> all ($1)
      union all select s.front, null from (select ltrim(replace(substring(${WORD} from ''^([0-9][0-9-]{11,})[-_.]''), ''-'', ''''), ''0'') as front) s
        where ${WORD} <> all ($1) and length(s.front) >= 12`;

/** What a row may have of a file: what says it surely, and numbers that may be those of another one. */
export function wordsOf(migration: Migration): {
  readonly sure: readonly string[];
  readonly short: readonly string[];
} {
  const text = migration.checksum.replace(/^sha256:/, "");
  const numbers = numbersOf(migration);
  const { id } = migration;
  const names = /[a-z]/i.test(id) ? [id, spelled(id)] : [id];
  return {
    sure: [...names, text, ...numbers.filter(isLongNumber)].filter((one) => one !== ""),
    // A day in front of another name.
    short: numbers.filter((one) => one.length < 12),
  };
}
