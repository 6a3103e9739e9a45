/**
 * Statements and the locks that PostgreSQL's documentation says they take, for `docs/reference/locks.md` and the test that
 * compares them with what a rehearsal reports. Written from the documentation, never from what was measured.
 */

export interface DocumentedLock {
  readonly statement: string;
  /** What is there before, beside the tables of `FIXTURE`. */
  readonly setup?: string;
  /** By relation: the strongest mode. A relation that is left out gets none that is stronger than ROW SHARE. */
  readonly locks: Readonly<Record<string, string>>;
  /** The relations that are written anew. */
  readonly rewrites?: readonly string[];
  /** The tables that are read as a whole while the lock is held, to validate something or to build an index. */
  readonly scans?: readonly string[];
  /** It cannot run inside a transaction. */
  readonly outside?: true;
  /** The first major version that has it. */
  readonly since?: number;
  /** The chapter or page of the documentation. */
  readonly page: string;
}

/** The tables that the statements are about. */
export const FIXTURE = `
create table parent (id int primary key, name text, email varchar(50), amount numeric(10,2), spare int,
  note text default 'x', constraint amount_positive check (amount >= 0));
create table child (id int primary key, parent_id int, n int not null,
  constraint child_parent foreign key (parent_id) references parent);
create table other (id int not null, v int, ref int);
create index other_v on other (v);
create unlogged table fast (id int);
create table parts (id int not null, at date) partition by range (id);
create table part_1 partition of parts for values from (0) to (100);
create table loose (id int not null, at date);
create materialized view summary as select id, name from parent;
create unique index summary_id on summary (id);
create schema elsewhere;
create role reader;
create function noted() returns trigger language plpgsql as 'begin return new; end';
create trigger noting before insert on other for each row execute function noted();
create rule kept as on delete to other do also nothing;
create type mood as enum ('good', 'bad');
insert into parent select g, 'n' || g, null, 1 from generate_series(1, 50) g;
insert into child select g, g, 1 from generate_series(1, 50) g;
insert into other select g, g, g from generate_series(1, 50) g;
insert into parts select g from generate_series(1, 50) g;
insert into loose select g from generate_series(100, 150) g;
`;

const LOCKING = "Explicit Locking";
const TABLE = "ALTER TABLE";
const ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE";
const SHARE_UPDATE = "SHARE UPDATE EXCLUSIVE";
const SHARE_ROW = "SHARE ROW EXCLUSIVE";

/** A form of `ALTER TABLE` without a note about its lock: "An ACCESS EXCLUSIVE lock is acquired unless explicitly noted." */
const alter = (rest: string, more: Partial<DocumentedLock> = {}): DocumentedLock => ({
  statement: `ALTER TABLE parent ${rest}`,
  locks: { parent: ACCESS_EXCLUSIVE },
  page: TABLE,
  ...more,
});

export const DOCUMENTED_LOCKS: readonly DocumentedLock[] = [
  { statement: "SELECT * FROM parent", locks: { parent: "ACCESS SHARE" }, page: LOCKING },
  { statement: "SELECT * FROM parent FOR UPDATE", locks: { parent: "ROW SHARE" }, page: LOCKING },
  { statement: "SELECT * FROM parent FOR SHARE", locks: { parent: "ROW SHARE" }, page: LOCKING },
  { statement: "INSERT INTO parent (id) VALUES (1000)", locks: { parent: "ROW EXCLUSIVE" }, page: LOCKING },
  { statement: "UPDATE parent SET name = 'y'", locks: { parent: "ROW EXCLUSIVE" }, page: LOCKING },
  { statement: "DELETE FROM other", locks: { other: "ROW EXCLUSIVE" }, page: LOCKING },
  {
    statement:
      "MERGE INTO parent USING other ON parent.id = other.id WHEN MATCHED THEN UPDATE SET spare = other.v",
    locks: { parent: "ROW EXCLUSIVE" },
    page: LOCKING,
  },
  { statement: "VACUUM parent", locks: { parent: SHARE_UPDATE }, outside: true, page: LOCKING },
  { statement: "ANALYZE parent", locks: { parent: SHARE_UPDATE }, page: LOCKING },
  {
    statement: "CREATE INDEX CONCURRENTLY parent_name ON parent (name)",
    locks: { parent: SHARE_UPDATE },
    scans: ["parent"],
    outside: true,
    page: LOCKING,
  },
  {
    statement: "CREATE STATISTICS seen ON id, name FROM parent",
    locks: { parent: SHARE_UPDATE },
    page: LOCKING,
  },
  { statement: "COMMENT ON TABLE parent IS 'x'", locks: { parent: SHARE_UPDATE }, page: LOCKING },
  { statement: "COMMENT ON COLUMN parent.name IS 'x'", locks: { parent: SHARE_UPDATE }, page: LOCKING },
  {
    statement: "REINDEX INDEX CONCURRENTLY other_v",
    locks: { other: SHARE_UPDATE },
    scans: ["other"],
    outside: true,
    page: LOCKING,
  },
  {
    statement: "REINDEX TABLE CONCURRENTLY other",
    locks: { other: SHARE_UPDATE },
    scans: ["other"],
    outside: true,
    page: LOCKING,
  },
  {
    statement: "CREATE INDEX ON parent (name)",
    locks: { parent: "SHARE" },
    scans: ["parent"],
    page: LOCKING,
  },
  {
    statement: "CREATE UNIQUE INDEX ON parent (name)",
    locks: { parent: "SHARE" },
    scans: ["parent"],
    page: LOCKING,
  },
  {
    statement: "CREATE INDEX ON parts (at)",
    locks: { parts: "SHARE", part_1: "SHARE" },
    scans: ["part_1"],
    page: "CREATE INDEX",
  },
  {
    statement: "CREATE TRIGGER more BEFORE UPDATE ON parent FOR EACH ROW EXECUTE FUNCTION noted()",
    locks: { parent: SHARE_ROW },
    page: LOCKING,
  },
  {
    statement: "REFRESH MATERIALIZED VIEW CONCURRENTLY summary",
    locks: { summary: "EXCLUSIVE" },
    // The query of the view, and the comparison with what is there.
    scans: ["parent", "summary"],
    page: LOCKING,
  },
  {
    statement: "REFRESH MATERIALIZED VIEW summary",
    locks: { summary: ACCESS_EXCLUSIVE },
    rewrites: ["summary"],
    page: LOCKING,
  },
  { statement: "DROP TABLE other", locks: { other: ACCESS_EXCLUSIVE }, page: LOCKING },
  { statement: "TRUNCATE other", locks: { other: ACCESS_EXCLUSIVE }, page: LOCKING },
  {
    statement: "TRUNCATE parent CASCADE",
    locks: { parent: ACCESS_EXCLUSIVE, child: ACCESS_EXCLUSIVE },
    page: "TRUNCATE",
  },
  {
    statement: "CLUSTER parent USING parent_pkey",
    locks: { parent: ACCESS_EXCLUSIVE },
    rewrites: ["parent"],
    page: LOCKING,
  },
  {
    statement: "VACUUM (FULL) parent",
    locks: { parent: ACCESS_EXCLUSIVE },
    rewrites: ["parent"],
    outside: true,
    page: LOCKING,
  },
  { statement: "LOCK TABLE parent", locks: { parent: ACCESS_EXCLUSIVE }, page: LOCKING },
  { statement: "LOCK TABLE parent IN EXCLUSIVE MODE", locks: { parent: "EXCLUSIVE" }, page: "LOCK" },
  {
    statement: "REINDEX INDEX other_v",
    locks: { other: "SHARE", other_v: ACCESS_EXCLUSIVE },
    rewrites: ["other_v"],
    scans: ["other"],
    page: "REINDEX",
  },
  {
    statement: "REINDEX TABLE other",
    locks: { other: "SHARE", other_v: ACCESS_EXCLUSIVE },
    rewrites: ["other_v"],
    scans: ["other"],
    page: "REINDEX",
  },
  { statement: "DROP INDEX other_v", locks: { other: ACCESS_EXCLUSIVE }, page: "DROP INDEX" },
  {
    statement: "DROP INDEX CONCURRENTLY other_v",
    locks: { other: SHARE_UPDATE },
    outside: true,
    page: "DROP INDEX",
  },
  {
    statement: "ALTER INDEX other_v RENAME TO other_value",
    locks: { other_v: SHARE_UPDATE },
    page: "ALTER INDEX",
  },
  {
    statement: "CREATE TABLE grandchild (id int, child_id int REFERENCES child)",
    locks: { child: SHARE_ROW },
    page: "CREATE TABLE",
  },
  {
    statement: "CREATE TABLE part_2 PARTITION OF parts FOR VALUES FROM (100) TO (200)",
    locks: { parts: ACCESS_EXCLUSIVE },
    page: "CREATE TABLE",
  },
  {
    statement: "DROP TABLE part_1",
    locks: { part_1: ACCESS_EXCLUSIVE, parts: ACCESS_EXCLUSIVE },
    page: "CREATE TABLE",
  },
  { statement: "GRANT SELECT ON parent TO reader", locks: {}, page: LOCKING },
  { statement: "ALTER TYPE mood ADD VALUE 'fine'", locks: {}, page: "ALTER TYPE" },
  alter("ADD COLUMN extra int"),
  alter("ADD COLUMN extra int NOT NULL DEFAULT 1"),
  alter("ADD COLUMN extra timestamptz DEFAULT now()"),
  alter("ADD COLUMN extra timestamptz DEFAULT clock_timestamp()", { rewrites: ["parent"] }),
  alter("ADD COLUMN extra uuid DEFAULT gen_random_uuid()", { rewrites: ["parent"] }),
  alter("ADD COLUMN extra int GENERATED ALWAYS AS (id * 2) STORED", { rewrites: ["parent"] }),
  alter("ADD COLUMN extra int GENERATED ALWAYS AS (id * 2) VIRTUAL", { since: 18 }),
  alter("ADD COLUMN extra int GENERATED ALWAYS AS IDENTITY", { rewrites: ["parent"] }),
  alter("DROP COLUMN spare"),
  alter("ALTER COLUMN spare TYPE bigint", { rewrites: ["parent"] }),
  alter("ALTER COLUMN email TYPE varchar(100)"),
  alter("ALTER COLUMN email TYPE text"),
  alter("ALTER COLUMN note TYPE varchar(100)", { rewrites: ["parent"] }),
  alter("ALTER COLUMN note SET DEFAULT 'y'"),
  alter("ALTER COLUMN note DROP DEFAULT"),
  alter("ALTER COLUMN name SET NOT NULL", { scans: ["parent"] }),
  alter("ALTER COLUMN name SET NOT NULL", {
    setup: "alter table parent add constraint named check (name is not null)",
  }),
  alter("ALTER COLUMN name DROP NOT NULL", { setup: "alter table parent alter column name set not null" }),
  alter("ADD CONSTRAINT named NOT NULL name NOT VALID", { since: 18 }),
  alter("VALIDATE CONSTRAINT named", {
    setup: "alter table parent add constraint named not null name not valid",
    locks: { parent: SHARE_UPDATE },
    scans: ["parent"],
    since: 18,
  }),
  alter("ALTER COLUMN name SET STATISTICS 500", { locks: { parent: SHARE_UPDATE } }),
  alter("ALTER COLUMN name SET (n_distinct = 5)", { locks: { parent: SHARE_UPDATE } }),
  alter("ALTER COLUMN name SET STORAGE EXTERNAL"),
  alter("ALTER COLUMN name SET COMPRESSION pglz"),
  alter("ADD CONSTRAINT spare_positive CHECK (spare > 0)", { scans: ["parent"] }),
  alter("ADD CONSTRAINT spare_positive CHECK (spare > 0) NOT VALID"),
  alter("VALIDATE CONSTRAINT spare_positive", {
    setup: "alter table parent add constraint spare_positive check (spare > 0) not valid",
    locks: { parent: SHARE_UPDATE },
    scans: ["parent"],
  }),
  alter("ADD CONSTRAINT name_once UNIQUE (name)", { scans: ["parent"] }),
  alter("ADD CONSTRAINT name_once UNIQUE USING INDEX parent_name", {
    setup: "create unique index parent_name on parent (name)",
  }),
  alter("ADD CONSTRAINT apart EXCLUDE USING btree (name WITH =)", { scans: ["parent"] }),
  {
    statement: "ALTER TABLE other ADD PRIMARY KEY (id)",
    locks: { other: ACCESS_EXCLUSIVE },
    scans: ["other"],
    page: TABLE,
  },
  {
    statement: "ALTER TABLE other ADD CONSTRAINT other_parent FOREIGN KEY (ref) REFERENCES parent",
    locks: { other: SHARE_ROW, parent: SHARE_ROW },
    // What validates a foreign key is a query that joins both tables.
    scans: ["other", "parent"],
    page: TABLE,
  },
  {
    statement: "ALTER TABLE other ADD CONSTRAINT other_parent FOREIGN KEY (ref) REFERENCES parent NOT VALID",
    locks: { other: SHARE_ROW, parent: SHARE_ROW },
    page: TABLE,
  },
  {
    statement: "ALTER TABLE other VALIDATE CONSTRAINT other_parent",
    setup: "alter table other add constraint other_parent foreign key (ref) references parent not valid",
    locks: { other: SHARE_UPDATE, parent: "ROW SHARE" },
    scans: ["other", "parent"],
    page: TABLE,
  },
  alter("DROP CONSTRAINT amount_positive"),
  { statement: "ALTER TABLE other DISABLE TRIGGER noting", locks: { other: SHARE_ROW }, page: TABLE },
  {
    statement: "ALTER TABLE other ENABLE TRIGGER noting",
    setup: "alter table other disable trigger noting",
    locks: { other: SHARE_ROW },
    page: TABLE,
  },
  { statement: "ALTER TABLE other DISABLE RULE kept", locks: { other: ACCESS_EXCLUSIVE }, page: TABLE },
  alter("ENABLE ROW LEVEL SECURITY"),
  alter("FORCE ROW LEVEL SECURITY"),
  alter("CLUSTER ON parent_pkey", { locks: { parent: SHARE_UPDATE } }),
  alter("SET WITHOUT CLUSTER", {
    setup: "alter table parent cluster on parent_pkey",
    locks: { parent: SHARE_UPDATE },
  }),
  alter("SET (fillfactor = 70)", { locks: { parent: SHARE_UPDATE } }),
  alter("SET (autovacuum_enabled = false)", { locks: { parent: SHARE_UPDATE } }),
  alter("SET (parallel_workers = 2)", { locks: { parent: SHARE_UPDATE } }),
  {
    statement: "ALTER TABLE other SET UNLOGGED",
    locks: { other: ACCESS_EXCLUSIVE },
    rewrites: ["other"],
    page: TABLE,
  },
  {
    statement: "ALTER TABLE fast SET LOGGED",
    locks: { fast: ACCESS_EXCLUSIVE },
    rewrites: ["fast"],
    page: TABLE,
  },
  alter("OWNER TO reader"),
  alter("REPLICA IDENTITY FULL"),
  alter("RENAME TO parents"),
  alter("RENAME COLUMN name TO title"),
  alter("RENAME CONSTRAINT amount_positive TO amount_not_negative"),
  alter("SET SCHEMA elsewhere"),
  {
    statement: "ALTER TABLE parts ATTACH PARTITION loose FOR VALUES FROM (100) TO (200)",
    locks: { parts: SHARE_UPDATE, loose: ACCESS_EXCLUSIVE },
    scans: ["loose"],
    page: TABLE,
  },
  {
    statement: "ALTER TABLE parts ATTACH PARTITION loose FOR VALUES FROM (100) TO (200)",
    setup: "alter table loose add check (id >= 100 and id < 200)",
    locks: { parts: SHARE_UPDATE, loose: ACCESS_EXCLUSIVE },
    page: TABLE,
  },
  {
    statement: "ALTER TABLE parts ATTACH PARTITION loose FOR VALUES FROM (100) TO (200)",
    setup: "create table rest partition of parts default",
    locks: { parts: SHARE_UPDATE, loose: ACCESS_EXCLUSIVE, rest: ACCESS_EXCLUSIVE },
    scans: ["loose", "rest"],
    page: TABLE,
  },
  {
    statement: "ALTER TABLE parts DETACH PARTITION part_1",
    locks: { parts: ACCESS_EXCLUSIVE, part_1: ACCESS_EXCLUSIVE },
    page: TABLE,
  },
  {
    statement: "ALTER TABLE parts DETACH PARTITION part_1 CONCURRENTLY",
    locks: { parts: SHARE_UPDATE, part_1: ACCESS_EXCLUSIVE },
    outside: true,
    page: TABLE,
  },
];
