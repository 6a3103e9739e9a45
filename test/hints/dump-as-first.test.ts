/** A schema in the form that pg_dump has since 2025 is a migration as it is. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { psql } from "../support/psql.ts";
import { folderOf } from "../support/target.ts";

const DUMP = `--
-- PostgreSQL database dump
--

\\restrict mRj3kWq9Zs

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;

CREATE SCHEMA old;

CREATE TABLE old.notes (
    id integer NOT NULL,
    body text DEFAULT 'a\\restrict b'::text
);

ALTER TABLE ONLY old.notes
    ADD CONSTRAINT notes_pkey PRIMARY KEY (id);

\\unrestrict mRj3kWq9Zs
`;

const FILES = {
  "migrations/0001_schema.sql": DUMP,
  "migrations/0002_more.sql": "create table more (id int);",
};

test("a dump with \\restrict around it is the first migration of a new database", async ({ db }) => {
  const godwit = commandIn({ folder: folderOf(FILES), url: db.url });
  await godwit("up");
  expect(await db.sql("select count(*)::int as n from old.notes")).toEqual([{ n: 0 }]);
  expect(await db.sql("select to_regclass('public.more') is not null as made")).toEqual([{ made: true }]);
});

test("and so is the script of it for psql", async ({ db }) => {
  const godwit = commandIn({ folder: folderOf(FILES), url: db.url });
  const { stdout } = await godwit("up", "--sql", "--from", "base");
  expect(psql(db.url, stdout)).toBeNull();
  expect((await godwit("up", "--json")).json.report.steps).toEqual([]);
});
