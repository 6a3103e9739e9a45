import { expect, test } from "vitest";
import { whyNotRun } from "./unsafe.ts";

test.each([
  "create subscription s connection 'host=a' publication p",
  "/* so */ CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw",
  "import foreign schema public from server far into here",
  "create extension if not exists dblink",
  "select * from dblink('host=a', 'select 1') as t(a int)",
  "select dblink_connect('a')",
  "copy orders from '/etc/passwd'",
  "copy (select 1) to program 'curl http://a'",
  "do $$ begin execute 'copy (select 1) to program ''curl http://a'''; end $$",
  "do $$ begin perform lo_export(1, '/tmp/x'); end $$",
  "select lo_import('/etc/passwd')",
  "create tablespace fast location '/x'",
])("%s does not run", (text) => {
  expect(whyNotRun(text)).not.toBeNull();
});

test.each([
  "create table dbl (id int)",
  "select 'dblink'",
  "copy orders from stdin",
  "copy orders to stdout",
  "create table subscription (id int)",
  "do $$ begin update programs set copy = true; end $$",
  "create extension pg_trgm",
  "comment on table a is 'create server'",
])("%s runs", (text) => {
  expect(whyNotRun(text)).toBeNull();
});
