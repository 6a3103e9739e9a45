/** What is left of each kind of change. Of a kind that is not named nothing is: it is made, and taken back. */
import type { Outcomes } from "./kinds.ts";

export const LEFT_OF_TABLES: Outcomes = {
  "a column dropped and added again": ["order of the columns of s.t"],
  "a dropped column": ["back: order of the columns of s.t"],
  "a foreign key that nothing enforces": ["constraint s.u.f: triggers enabled"],
  "an attribute of the type of a table": [
    'ALTER TABLE "s"."t" ALTER COLUMN "x" TYPE bigint USING "x"::bigint: cannot alter column type of typed table',
    "column s.t.x: type",
    "type s.kind: attributes",
  ],
  "an invalid index": ["index s.i: valid"],
};

export const LEFT_OF_OBJECTS: Outcomes = {
  "a conversion": ["conversion s.v: added"],
  "a language": ["language mine: added"],
  "a server's option": ["server far: options"],
  "a shell type": ["type s.shell: added"],
  "a subscription": ["subscription sub: added"],
  "a user mapping": ["user mapping PUBLIC on far: mapping options"],
  "an access method": ["access method heap2: added"],
  "an operator": ["operator s.===(integer,integer): restrict"],
  "an operator class": ["operator class s.oc using btree: added", "operator family s.oc using btree: added"],
  "an operator of a family": ["operator family s.fam using btree: operators"],
};

/** What a dump says of two schemas that the comparison calls equal. */
export const SEEN_BY_DUMP_ALONE: Outcomes = {
  // Every restored dump has it in the second way too.
  "a list of values of a varchar": [
    "is: CONSTRAINT t_a_check CHECK (((a)::text = ANY (ARRAY[('x'::character varying)::text, ('y'::character varying)::text]))),",
    "is: CREATE INDEX i ON s.t USING btree (a) WHERE ((a)::text = ANY (ARRAY[('x'::character varying)::text, ('z'::character varying)::text]));",
    "wanted: CONSTRAINT t_a_check CHECK (((a)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[]))),",
    "wanted: CREATE INDEX i ON s.t USING btree (a) WHERE ((a)::text = ANY ((ARRAY['x'::character varying, 'z'::character varying])::text[]));",
  ],
  // The order of parameters means nothing, and no statement sets it.
  "storage parameters": [
    "is: WITH (autovacuum_enabled=off, fillfactor='70');",
    "wanted: WITH (fillfactor='70', autovacuum_enabled=off);",
  ],
};
