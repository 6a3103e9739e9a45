/** Changes of what is no table. */
import { OTHER, type SchemaChange, T } from "./change.ts";

const VIEW = `${T}; create view v as select id, a from t`;
const F = "create function f(x integer) returns integer language sql as 'select x'";
const P =
  "create function fire() returns trigger language plpgsql as 'begin return new; end'; create table t (a text); create trigger g before insert on t for each row execute function fire()";
const ENUM = "create type mood as enum ('bad', 'good')";
const DOMAIN = "create domain d as integer constraint positive check (value > 0)";
const WRAPPER = "create foreign data wrapper w; create server far foreign data wrapper w options (host 'a')";

export const OBJECT_CHANGES: readonly SchemaChange[] = [
  {
    name: "a schema",
    setup: "",
    change: "create schema s2; create table s2.t ()",
    expected: ["schema s2: added"],
  },
  {
    name: "privileges of a schema",
    setup: "",
    change: `grant usage on schema s to ${OTHER}`,
    expected: [`schema s: privileges was not set, is [(owner): ALL, ${OTHER}: USAGE]`],
  },
  { name: "a view", setup: T, change: "create view v as select a from t", expected: ["view s.v: added"] },
  {
    name: "another view",
    setup: "create view v as select 1 as one",
    change: "create or replace view v as select 2 as one",
    expected: ["view s.v: definition was  SELECT 1 AS one;, is  SELECT 2 AS one;"],
  },
  {
    name: "a view with the rights of who asks",
    since: 15,
    setup: VIEW,
    change: "alter view v set (security_invoker = true)",
    expected: ["view s.v: options was not set, is [security_invoker=true]"],
  },
  {
    name: "a check option",
    setup: VIEW,
    change: "alter view v set (check_option = local)",
    expected: ["view s.v: options was not set, is [check_option=local]"],
  },
  {
    name: "a default of a view's column",
    setup: VIEW,
    change: "alter view v alter a set default 'x'",
    expected: ["column s.v.a: added"],
  },
  {
    name: "a materialized view",
    setup: T,
    change: "create materialized view m as select a from t; create index on m (a)",
    expected: ["materialized view s.m: added"],
  },
  {
    name: "an index of a materialized view",
    setup: `${T}; create materialized view m as select a from t`,
    change: "create index i on m (a)",
    expected: ["index s.i: added"],
  },
  { name: "a sequence", setup: "", change: "create sequence q", expected: ["sequence s.q: added"] },
  {
    name: "options of a sequence",
    setup: "create sequence q",
    change: "alter sequence q increment 5 maxvalue 100 cache 3 cycle",
    expected: [
      "sequence s.q: cache was not set, is 3; cycle was not set, is set; increment was 1, is 5; maximum was 9223372036854775807, is 100",
    ],
  },
  {
    name: "who owns a sequence",
    setup: `${T}; create sequence q`,
    change: "alter sequence q owned by t.b",
    expected: ["sequence s.q: owned by was not set, is s.t.b"],
  },
  { name: "a function", setup: "", change: F, expected: ["function s.f(integer): added"] },
  {
    name: "an overloaded function",
    setup: F,
    change: "create function f(x text) returns text language sql as 'select x'",
    expected: ["function s.f(text): added"],
  },
  {
    name: "the text of a function",
    setup: F,
    change: "create or replace function f(x integer) returns integer language sql as 'select x + 1'",
    expected: ["function s.f(integer): source was select x, is select x + 1"],
  },
  {
    name: "a body in standard SQL",
    since: 14,
    setup: "create function f(x integer) returns integer return x + 1",
    change: "create or replace function f(x integer) returns integer return x + 2",
    expected: ["function s.f(integer): body was RETURN (x + 1), is RETURN (x + 2)"],
  },
  {
    name: "how a function runs",
    setup: F,
    change:
      "alter function f(integer) immutable strict security definer parallel safe cost 7 set work_mem = '8MB'",
    expected: [
      "function s.f(integer): cost was not set, is 7; parallel was not set, is safe; security definer was not set, is set; settings was not set, is [work_mem=8MB]; strict was not set, is set; volatility was not set, is immutable",
    ],
  },
  {
    name: "leakproof",
    setup: F,
    change: "alter function f(integer) leakproof",
    expected: ["function s.f(integer): leakproof was not set, is set"],
  },
  {
    name: "how many rows a function returns",
    setup: "create function f() returns setof integer language sql as 'select 1'",
    change: "alter function f() rows 7",
    expected: ["function s.f(): rows was not set, is 7"],
  },
  {
    name: "a default of an argument",
    setup: F,
    change: "create or replace function f(x integer default 3) returns integer language sql as 'select x'",
    expected: ["function s.f(integer): arguments was x integer, is x integer DEFAULT 3"],
  },
  {
    name: "who may call a function",
    setup: F,
    change: "revoke execute on function f(integer) from public",
    expected: ["function s.f(integer): privileges was not set, is [(owner): ALL]"],
  },
  {
    name: "a procedure",
    setup: "",
    change: "create procedure p() language sql as 'select 1'",
    expected: ["procedure s.p(): added"],
  },
  {
    name: "an aggregate",
    setup: "create aggregate g(integer) (sfunc = int4pl, stype = integer, initcond = '0')",
    change:
      "drop aggregate g(integer); create aggregate g(integer) (sfunc = int4pl, stype = integer, initcond = '5')",
    expected: ["aggregate s.g(integer): aggregate state was integer, initially 0, is integer, initially 5"],
  },
  {
    name: "a trigger",
    setup: `${P}; create table u (a text)`,
    change: "create trigger h after update on u for each row execute function fire()",
    expected: ["trigger s.u.h: added"],
  },
  {
    name: "another trigger",
    setup: P,
    change:
      "drop trigger g on t; create trigger g before insert on t for each row when (new.a is null) execute function fire()",
    expected: [
      "trigger s.t.g: definition was CREATE TRIGGER g BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.fire(), is CREATE TRIGGER g BEFORE INSERT ON s.t FOR EACH ROW WHEN ((new.a IS NULL)) EXECUTE FUNCTION s.fire()",
    ],
  },
  {
    name: "a disabled trigger",
    setup: P,
    change: "alter table t disable trigger g",
    expected: ["trigger s.t.g: enabled was not set, is disabled"],
  },
  {
    name: "a trigger of partitions",
    setup:
      "create function fire() returns trigger language plpgsql as 'begin return new; end'; create table p (a integer) partition by range (a); create table p1 partition of p for values from (1) to (10)",
    change: "create trigger g after insert on p for each row execute function fire()",
    expected: ["trigger s.p.g: added"],
  },
  {
    name: "an event trigger",
    setup:
      "create function ev() returns event_trigger language plpgsql as 'begin end'; create event trigger e on ddl_command_end execute function ev()",
    change: "alter event trigger e disable",
    expected: ["event trigger e: enabled was not set, is disabled"],
  },
  {
    name: "a rule",
    setup: T,
    change: "create rule r as on delete to t do instead nothing",
    expected: ["rule s.t.r: added"],
  },
  {
    name: "a policy",
    setup: `${T}; alter table t enable row level security`,
    change: "create policy y on t for select using (a = current_user)",
    expected: ["policy s.t.y: added"],
  },
  {
    name: "another policy",
    setup: `${T}; create policy y on t using (id > 0)`,
    change: `alter policy y on t to ${OTHER} using (id > 1) with check (id > 2)`,
    expected: [
      `policy s.t.y: check was not set, is (id > 2); roles was not set, is [${OTHER}]; using was (id > 0), is (id > 1)`,
    ],
  },
  {
    name: "a restrictive policy",
    setup: `${T}; create policy y on t using (id > 0)`,
    change: "drop policy y on t; create policy y on t as restrictive using (id > 0)",
    expected: ["policy s.t.y: restrictive was not set, is set"],
  },
  { name: "an enum", setup: "", change: ENUM, expected: ["type s.mood: added"] },
  {
    name: "a value of an enum",
    setup: ENUM,
    change: "alter type mood add value 'fair' before 'good'",
    expected: ["type s.mood: values was [bad, good], is [bad, fair, good]"],
  },
  {
    name: "another name of a value",
    setup: ENUM,
    change: "alter type mood rename value 'bad' to 'sad'",
    expected: ["type s.mood: values was [bad, good], is [sad, good]"],
  },
  {
    name: "an attribute of a composite type",
    setup: "create type pair as (a integer, b text)",
    change: "alter type pair add attribute c date",
    expected: ["type s.pair: attributes was [a integer, b text], is [a integer, b text, c date]"],
  },
  {
    name: "a range type",
    setup: "",
    change: "create type span as range (subtype = float8, subtype_diff = float8mi)",
    expected: ["type s.span: added"],
  },
  {
    name: "another range type",
    setup: "create type span as range (subtype = float8)",
    change: "drop type span; create type span as range (subtype = float8, subtype_diff = float8mi)",
    expected: ["type s.span: range functions was not set, is float8mi(double precision,double precision)"],
  },
  { name: "a domain", setup: "", change: DOMAIN, expected: ["type s.d: added"] },
  {
    name: "a domain that allows no NULL",
    setup: "",
    change: "create domain d as integer not null",
    expected: ["type s.d: added"],
  },
  {
    name: "a NOT NULL of a domain",
    setup: DOMAIN,
    change: "alter domain d set not null",
    expected: ["type s.d: not null was not set, is set"],
  },
  {
    name: "a constraint of a domain",
    setup: DOMAIN,
    change: "alter domain d add constraint small check (value < 9)",
    expected: ["domain constraint s.d.small: added"],
  },
  {
    name: "a default of a domain",
    setup: DOMAIN,
    change: "alter domain d set default 3; alter domain d set not null",
    expected: ["type s.d: default was not set, is 3; not null was not set, is set"],
  },
  { name: "a shell type", setup: "", change: "create type shell", expected: ["type s.shell: added"] },
  {
    name: "a collation",
    setup: "create collation c (provider = libc, locale = 'C')",
    change: "drop collation c; create collation c (provider = libc, locale = 'POSIX')",
    expected: ["collation s.c: locale was C, is POSIX"],
  },
  {
    name: "a conversion",
    setup: "",
    change: "create conversion v for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8",
    expected: ["conversion s.v: added"],
  },
  {
    name: "an operator",
    setup: "create operator === (leftarg = integer, rightarg = integer, function = int4eq)",
    change: "alter operator === (integer, integer) set (restrict = eqsel)",
    expected: ["operator s.===(integer,integer): restrict was not set, is eqsel"],
  },
  {
    name: "an operator class",
    setup: "",
    change:
      "create operator class oc for type integer using btree as operator 1 <, operator 3 =, operator 5 >, function 1 btint4cmp(integer, integer)",
    expected: ["operator class s.oc using btree: added", "operator family s.oc using btree: added"],
  },
  {
    name: "an operator of a family",
    setup: "create operator family fam using btree",
    change: "alter operator family fam using btree add operator 1 < (integer, integer)",
    expected: ["operator family s.fam using btree: operators was not set, is [1 <(integer,integer)]"],
  },
  {
    name: "a cast",
    setup: `${ENUM}; create function to_mood(integer) returns mood language sql as $$select 'bad'::s.mood$$`,
    change: "create cast (integer as mood) with function to_mood(integer) as assignment",
    expected: ["cast integer as s.mood: added"],
  },
  {
    name: "a text search configuration",
    setup: "create text search configuration c (copy = pg_catalog.simple)",
    change: "alter text search configuration c alter mapping for word with english_stem",
    expected: [
      "text search configuration s.c: mappings was [asciihword: pg_catalog.simple, asciiword: pg_catalog.simple, email: pg_catalog.simple, file: pg_catalog.simple, float: pg_catalog.simple, host: pg_catalog.simple, hword: pg_catalog.simple, hword_asciipart: pg_catalog.simple, hword_numpart: pg_catalog.simple, hword_part: pg_catalog.simple, int: pg_catalog.simple, numhword: pg_catalog.simple, numword: pg_catalog.simple, sfloat: pg_catalog.simple, uint: pg_catalog.simple, url: pg_catalog.simple, url_path: pg_catalog.simple, version: pg_catalog.simple, word: pg_catalog.simple], is [asciihword: pg_catalog.simple, asciiword: pg_catalog.simple, email: pg_catalog.simple, file: pg_catalog.simple, float: pg_catalog.simple, host: pg_catalog.simple, hword: pg_catalog.simple, hword_asciipart: pg_catalog.simple, hword_numpart: pg_catalog.simple, hword_part: pg_catalog.simple, int: pg_catalog.simple, numhword: pg_catalog.simple, numword: pg_catalog.simple, sfloat: pg_catalog.simple, uint: pg_catalog.simple, url: pg_catalog.simple, url_path: pg_catalog.simple, version: pg_catalog.simple, word: pg_catalog.english_stem]",
    ],
  },
  {
    name: "a text search dictionary",
    setup: "create text search dictionary dict (template = pg_catalog.simple)",
    change: "alter text search dictionary dict (accept = false)",
    expected: ["text search dictionary s.dict: options was not set, is accept = 'false'"],
  },
  {
    name: "extended statistics",
    setup: T,
    change: "create statistics x (dependencies) on a, b from t",
    expected: ["statistics s.x: added"],
  },
  {
    name: "a target of extended statistics",
    setup: `${T}; create statistics x on a, b from t`,
    change: "alter statistics x set statistics 300",
    expected: ["statistics s.x: target was not set, is 300"],
  },
  {
    name: "default privileges",
    setup: "",
    change: `alter default privileges in schema s grant select on tables to ${OTHER}`,
    expected: ["default privileges tables of postgres in s: added"],
  },
  {
    name: "a server's option",
    setup: WRAPPER,
    change: "alter server far options (set host 'b', add password 'first')",
    expected: ["server far: options was [host=a], is [host=b, password #HASH]"],
  },
  {
    name: "a foreign table",
    setup: WRAPPER,
    change: "create foreign table ft (a integer) server far options (table 'x')",
    expected: ["foreign table s.ft: added"],
  },
  {
    name: "a user mapping",
    setup: WRAPPER,
    change: "create user mapping for public server far options (user 'me', password 'first')",
    expected: ["user mapping PUBLIC on far: added"],
  },
  {
    name: "a publication",
    setup: `${T}; create publication pub for table t`,
    change: "alter publication pub set (publish = 'insert')",
    expected: ["publication pub: publishes was not set, is insert"],
  },
  {
    name: "rows and columns of a publication",
    since: 15,
    setup: `${T}; create publication pub for table t`,
    change: "alter publication pub set table t (id, a) where (id > 3)",
    expected: ["publication pub: tables was [s.t], is [s.t (id, a) where (id > 3)]"],
  },
  {
    name: "a subscription",
    setup: "",
    change:
      "create subscription sub connection 'host=nowhere password=first' publication pub with (connect = false, slot_name = none)",
    expected: ["subscription sub: added"],
  },
  {
    name: "a language",
    setup:
      "create function handler() returns language_handler language c as '$libdir/plpgsql', 'plpgsql_call_handler'",
    change: "create language mine handler handler",
    expected: ["language mine: added"],
  },
  {
    name: "an access method",
    setup: "",
    change: "create access method heap2 type table handler heap_tableam_handler",
    expected: ["access method heap2: added"],
  },
];
