/** Keys of every kind. */

/** The columns of the key with their types, and their values for the row `n`. */
export const KEYS: Readonly<
  Record<string, { readonly columns: readonly string[]; readonly values: string }>
> = {
  bigint: { columns: ["id bigint"], values: "(n * 7919) % 100003 - 50000" },
  "uuid v4": { columns: ["id uuid"], values: "md5('a' || n)::uuid" },
  "uuid v7": {
    columns: ["id uuid"],
    values: "(lpad(to_hex(1764000000000 + n), 12, '0') || '7' || substr(md5('b' || n), 1, 19))::uuid",
  },
  "text under an ICU collation": {
    columns: [`id text collate "und-x-icu"`],
    values: "(array['ä', 'Ab', 'a-b', 'é''s', 'Z\\'])[n % 5 + 1] || substr(md5('c' || n), 1, 9)",
  },
  "text in C": {
    columns: [`id text collate "C"`],
    values: "substr(md5('d' || n), 1, 10) || chr(160 + n % 90)",
  },
  timestamptz: {
    columns: ["id timestamptz"],
    values: "timestamptz '2024-03-31 00:59:59.999999+01' + n * interval '1.000001 s'",
  },
  numeric: { columns: ["id numeric"], values: "(n - 300) * 1.000000000000000000001" },
  "several columns": { columns: ["tenant int", "id text"], values: "n % 7, 'x' || n" },
  "a key of a partition": { columns: ["region int", "id bigint"], values: "n % 3, n" },
  float8: {
    columns: ["id float8"],
    values: "case n when 1 then '-Infinity' when 2 then 'Infinity' else sin(n) end::float8",
  },
};
