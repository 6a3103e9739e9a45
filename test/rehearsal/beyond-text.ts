/**
 * Migrations in which a linter of texts finds nothing, and a rehearsal does: what they do depends on what is in the database,
 * or on what stands before them in their transaction. For `docs/reference/lint.md` and the test that runs each.
 */
import type { Risk } from "../../src/rehearsal/risk.ts";

export interface BeyondText {
  readonly name: string;
  /** What earlier migrations have made. Each case has tables of its own. */
  readonly present: string;
  /** The migration. */
  readonly text: string;
  /** The risk of the migration. `null`: one of its statements fails. */
  readonly risk: Risk | null;
  /** Part of the reason, as the rehearsal gives it. */
  readonly why: string;
}

export const BEYOND_TEXT: readonly BeyondText[] = [
  {
    name: "a primary key from an index, on a column that may be null",
    present: "create table pk (id bigint); create unique index pk_id on pk (id);",
    text: "alter table pk add constraint pk_key primary key using index pk_id;",
    risk: "blocks reads",
    why: "ACCESS EXCLUSIVE on public.pk is held while public.pk is read as a whole",
  },
  {
    name: "a partition without a check that fits",
    present:
      "create table parts (id bigint, day date) partition by range (id); create table part_new (id bigint, day date);",
    text: "alter table parts attach partition part_new for values from (0) to (1000);",
    risk: "blocks reads",
    why: "public.part_new is read as a whole",
  },
  {
    name: "a partition beside a default one, which is searched for its rows",
    present:
      "create table days (id bigint) partition by range (id); create table days_rest partition of days default;",
    text: "create table days_1 partition of days for values from (0) to (1000);",
    risk: "blocks reads",
    why: "public.days_rest is read as a whole",
  },
  {
    name: "a column whose domain has a check",
    present: "create domain amount as bigint check (value >= 0); create table dom (id bigint);",
    text: "alter table dom add column paid amount;",
    risk: "rewrites",
    why: "public.dom is written anew",
  },
  {
    name: "a domain that becomes NOT NULL, and all tables that use it",
    present: "create domain email as text; create table mails (address email);",
    text: "alter domain email set not null;",
    risk: "blocks writes",
    why: "public.mails",
  },
  {
    name: "a check of a domain that is validated",
    present:
      "create domain code as text; create table codes (code code); alter domain code add constraint short check (length(value) < 9) not valid;",
    text: "alter domain code validate constraint short;",
    risk: "blocks writes",
    why: "public.codes",
  },
  {
    name: "an attribute of a type, and the tables of that type",
    present: "create type point2 as (x integer, y integer); create table points of point2;",
    text: "alter type point2 alter attribute x type bigint cascade;",
    risk: "rewrites",
    why: "public.points is written anew",
  },
  {
    name: "DDL that a DO block puts together",
    present: "create table dyn (n integer);",
    text: "do $$ begin execute format('alter table %I alter n type bigint', 'dyn'); end $$;",
    risk: "rewrites",
    why: "public.dyn is written anew",
  },
  {
    name: "DDL in a function that is called",
    present:
      "create table fun (n integer); create function widen() returns void language sql as 'alter table fun alter n type bigint';",
    text: "select widen();",
    risk: "rewrites",
    why: "public.fun is written anew",
  },
  {
    name: "a brief lock that is held while rows of another table change",
    present: "create table held (id bigint); create table many (id bigint, n bigint);",
    text: "alter table held add column note text;\nupdate many set n = id where n is null;",
    risk: "blocks reads",
    why: "ACCESS EXCLUSIVE on public.held is held, by a statement before it",
  },
  {
    name: "a trigger and a fill in one transaction",
    present:
      "create table trig (id bigint, n bigint); create function noted() returns trigger language plpgsql as 'begin return new; end';",
    text: "create trigger noting before insert on trig for each row execute function noted();\nupdate trig set n = 0 where n is null;",
    risk: "blocks writes",
    why: "SHARE ROW EXCLUSIVE on public.trig is held",
  },
  {
    name: "a new table with a foreign key, filled in the same transaction",
    present: "create table owners (id bigint primary key); create table old_pets (id bigint, owner bigint);",
    text: "create table pets (id bigint, owner bigint references owners);\ninsert into pets select id, owner from old_pets;\ndelete from old_pets where id > 0;",
    risk: "blocks writes",
    why: "SHARE ROW EXCLUSIVE on public.owners is held",
  },
  {
    name: "a materialized view that is refreshed",
    present: "create table sold (n bigint); create materialized view sums as select sum(n) from sold;",
    text: "refresh materialized view sums;",
    risk: "rewrites",
    why: "public.sums is written anew",
  },
  {
    name: "a table that becomes logged",
    present: "create unlogged table fast (id bigint);",
    text: "alter table fast set logged;",
    risk: "rewrites",
    why: "public.fast is written anew",
  },
  {
    name: "a type that is dropped with the columns that use it",
    present: "create type mood as enum ('good'); create table moods (id bigint, mood mood);",
    text: "drop type mood cascade;",
    risk: "brief lock",
    why: "ACCESS EXCLUSIVE on public.moods",
  },
  {
    name: "a column of a table that others inherit from",
    present: "create table base (id bigint); create table heir (n bigint) inherits (base);",
    text: "alter table base add column note text;",
    risk: "brief lock",
    why: "public.heir",
  },
  {
    name: "an explicit lock around a change of rows",
    present: "create table till (id bigint, n bigint);",
    text: "lock table till;\nupdate till set n = 0 where n is null;",
    risk: "blocks reads",
    why: "ACCESS EXCLUSIVE on public.till is held",
  },
  {
    name: "a table that is emptied and filled again",
    present: "create table cache (id bigint); create table facts (id bigint);",
    text: "truncate cache;\ninsert into cache select id from facts;",
    risk: "blocks reads",
    why: "ACCESS EXCLUSIVE on public.cache is held",
  },
  {
    name: "a view on a column that is not there",
    present: "create table thing (id bigint);",
    text: "create view things as select id, nam from thing;",
    risk: null,
    why: 'column "nam" does not exist',
  },
  {
    name: "a function that a trigger still uses",
    present:
      "create table used (id bigint); create function in_use() returns trigger language plpgsql as 'begin return new; end'; create trigger using_it before insert on used for each row execute function in_use();",
    text: "drop function in_use();",
    risk: null,
    why: "other objects depend on it",
  },
  {
    name: "a default of another type than its column",
    present: "create table typed (n bigint);",
    text: "alter table typed alter column n set default 'none';",
    risk: null,
    why: "invalid input syntax for type bigint",
  },
];
