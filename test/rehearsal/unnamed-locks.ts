/** Statements that lock tables which their text does not name, and what PostgreSQL's documentation says that they take. */
import type { LockMode } from "../../src/rehearsal/lock-modes.ts";

export const FIXTURE = `
create table orders (id int primary key, total int, customer int);
create index orders_total on orders (total);
create table "Kéy ""x""" (id int primary key, v int);
create index "Ind é" on "Kéy ""x""" (v);
create schema shop;
create table shop.items (id int primary key, v int);
create index items_v on shop.items (v);
create table a (id int primary key);
create table parts (id int primary key, v int) partition by range (id);
create table leaf_1 partition of parts for values from (0) to (10);
create table leaf_2 partition of parts for values from (10) to (20);
create table points (id int primary key, part int references parts);
create index parts_v on parts (v);
create materialized view summary as select 1 as id;
create unique index summary_id on summary (id);
create table child (note text) inherits (a);
create function quietly() returns void language plpgsql as $$ begin lock table orders in share mode; end $$;
create procedure twice() language plpgsql as $$ begin
  lock table orders in share mode; commit; lock table shop.items in access exclusive mode; commit; end $$;
cluster a using a_pkey;
`;

export interface UnnamedLock {
  readonly statement: string;
  readonly before?: string;
  /** The least that must be seen, by table. */
  readonly locks?: Readonly<Record<string, LockMode>>;
  /** It is marked, whatever was seen. */
  readonly marked?: true;
  readonly inTransaction?: true;
}

const SUE = "SHARE UPDATE EXCLUSIVE";
const AE = "ACCESS EXCLUSIVE";
const ALL_TABLES = ["orders", 'Kéy "x"', "items", "a", "leaf_1", "leaf_2", "points", "child"];
const each = (names: readonly string[], mode: LockMode) =>
  Object.fromEntries(names.map((name) => [name, mode]));

export const UNNAMED_LOCKS: readonly UnnamedLock[] = [
  { statement: "vacuum", locks: { ...each(ALL_TABLES, SUE), summary: SUE } },
  { statement: "vacuum (full, analyze)", locks: { ...each(ALL_TABLES, AE), summary: AE } },
  { statement: "/* all */ vacuum analyze", locks: each(ALL_TABLES, SUE) },
  { statement: "vacuum (skip_locked)", marked: true },
  { statement: "vacuum full pg_class", marked: true },
  { statement: "analyze", locks: each(ALL_TABLES, SUE) },
  { statement: "vacuum parts", locks: each(["leaf_1", "leaf_2"], SUE) },
  { statement: 'vacuum U&"K\\00e9y ""x"""', locks: { 'Kéy "x"': SUE } },
  { statement: "cluster", locks: { a: AE } },
  { statement: "cluster verbose", locks: { a: AE } },
  {
    statement: "reindex schema public",
    locks: { ...each(["orders", "leaf_1", "points"], "SHARE"), orders_total: AE },
  },
  { statement: "reindex schema shop", locks: { items: "SHARE", items_v: AE } },
  { statement: "reindex schema concurrently shop", locks: { items: SUE } },
  {
    statement: "reindex (concurrently) schema public",
    locks: each(["orders", "leaf_2", "a", "summary"], SUE),
  },
  { statement: "reindex database concurrently unnamed", locks: each(ALL_TABLES, SUE) },
  { statement: "reindex database unnamed", locks: each(ALL_TABLES, "SHARE"), marked: true },
  { statement: "reindex system unnamed", marked: true },
  { statement: "reindex table parts", locks: each(["leaf_1", "leaf_2"], "SHARE") },
  { statement: "reindex table concurrently parts", locks: each(["leaf_1", "leaf_2"], SUE) },
  { statement: "reindex index concurrently parts_v", locks: each(["leaf_1", "leaf_2"], SUE) },
  {
    statement: "reindex index items_v",
    before: "set search_path = shop",
    locks: { items: "SHARE", items_v: AE },
  },
  {
    statement: "reindex index concurrently items_v",
    before: "set search_path = shop",
    locks: { items: SUE },
  },
  { statement: 'reindex index concurrently U&"Ind \\00e9"', locks: { 'Kéy "x"': SUE } },
  { statement: "reindex table concurrently summary", locks: { summary: SUE } },
  { statement: "drop index concurrently orders_total", locks: { orders: SUE } },
  { statement: 'drop index concurrently U&"Ind \\00e9"', locks: { 'Kéy "x"': SUE } },
  { statement: "create index concurrently on summary (id)", locks: { summary: SUE } },
  { statement: 'create index concurrently on U&"K\\00e9y \\0022x\\0022" (v)', locks: { 'Kéy "x"': SUE } },
  { statement: "vacuum summary", locks: { summary: SUE } },
  {
    statement: "alter table parts detach partition leaf_1 concurrently",
    before: "drop table points",
    locks: { parts: SUE, leaf_1: AE },
  },
  {
    statement: "alter table points add foreign key (part) references parts",
    locks: { points: "SHARE ROW EXCLUSIVE", parts: "SHARE ROW EXCLUSIVE" },
  },
  { statement: "drop table points", locks: { points: AE, parts: AE } },
  { statement: "truncate parts cascade", locks: { parts: AE, leaf_1: AE, leaf_2: AE, points: AE } },
  { statement: "select quietly()", locks: { orders: "SHARE" } },
  { statement: "insert into orders values (1)", locks: { orders: "ROW EXCLUSIVE" } },
  { statement: "select * from orders for update", locks: { orders: "ROW SHARE" } },
  { statement: "delete from parts", locks: { parts: "ROW EXCLUSIVE", leaf_1: "ROW EXCLUSIVE" } },
  { statement: "drop schema shop cascade", locks: { items: AE } },
  { statement: "alter table a add column x int", locks: { a: AE, child: AE } },
  { statement: "create index on parts (v)", locks: { parts: "SHARE", leaf_1: "SHARE", leaf_2: "SHARE" } },
  { statement: "refresh materialized view summary", locks: { summary: AE } },
  { statement: "refresh materialized view concurrently summary", locks: { summary: "EXCLUSIVE" } },
  { statement: "call twice()", locks: { orders: "SHARE", items: AE }, marked: true },
  {
    statement: "do $$ begin lock table shop.items in exclusive mode; commit; end $$",
    locks: { items: "EXCLUSIVE" },
    marked: true,
  },
  {
    statement: "do $$ begin lock table orders; raise 'x'; exception when others then null; end $$",
    marked: true,
    inTransaction: true,
  },
  { statement: "lock table pg_catalog.pg_class in share mode", marked: true, inTransaction: true },
];
