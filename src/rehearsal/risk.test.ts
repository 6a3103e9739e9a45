import { expect, test } from "vitest";
import { type LockMode, modeOf } from "./lock-modes.ts";
import { judge } from "./risk.ts";
import type { SeenLock, SeenRelation, SeenStatement } from "./seen.ts";

const orders: SeenRelation = { schema: "public", name: "orders", kind: "table", table: null };
const byCustomer: SeenRelation = { schema: "public", name: "by_customer", kind: "index", table: "orders" };
const lock = (mode: LockMode, on = orders): SeenLock => ({ ...on, mode, heldUntil: "transaction" });
const seen = (text: string, more: Partial<SeenStatement> = {}): SeenStatement => ({
  ...{ text, line: 1, inTransaction: true, locks: [], held: [], rewrites: [], scans: [], builds: [] },
  ...{ invalid: [], durationMs: 1, notRehearsed: null, notUnderstood: null, failure: null },
  ...more,
});

test("a strong lock is brief while nothing depends on the rows, and blocks while something does", () => {
  const locks = [lock("ACCESS EXCLUSIVE")];
  expect(judge(seen("alter table orders add column x int", { locks })).risk).toBe("brief lock");
  const scanned = judge(seen("alter table orders alter x set not null", { locks, scans: [orders] }));
  expect(scanned.risk).toBe("blocks reads");
  expect(scanned.safer).toContain("NOT VALID");
});

test("what runs behind a lock of the same transaction makes that lock long", () => {
  const held = [lock("ACCESS EXCLUSIVE")];
  const locks = [lock("ROW EXCLUSIVE")];
  const update = judge(seen("update orders set x = 1", { held, locks }));
  expect(update.risk).toBe("blocks reads");
  expect(update.safer).toContain("a migration of its own");
  expect(judge(seen("update orders set x = 1", { locks })).risk).toBe("safe");
});

test("a change is one too where the table was changed before, and where a function makes it", () => {
  const held = [lock("ROW EXCLUSIVE"), lock("ACCESS EXCLUSIVE")];
  const again = judge(seen("update orders set x = 1", { held }));
  expect(again).toMatchObject({ risk: "blocks reads", why: expect.stringContaining("while rows change") });
  expect(judge(seen("update orders set x = 1", { held: [lock("ROW EXCLUSIVE")] })).risk).toBe("safe");
  expect(judge(seen("select 1", { held })).risk).toBe("safe");
  const called = { held: [lock("ACCESS EXCLUSIVE")], locks: [lock("ROW EXCLUSIVE")] };
  expect(judge(seen("select fill_slugs()", called)).risk).toBe("blocks reads");
});

test("an index that is built blocks writes, unless it is built CONCURRENTLY", () => {
  const built = { builds: [byCustomer], scans: [orders] };
  expect(judge(seen("create index on orders (x)", { ...built, locks: [lock("SHARE")] })).risk).toBe(
    "blocks writes",
  );
  const weak = [lock("SHARE UPDATE EXCLUSIVE")];
  expect(judge(seen("create index concurrently on orders (x)", { ...built, locks: weak })).risk).toBe("safe");
});

test("a table that is written anew is the worst, and an index that is blocks by its lock", () => {
  const locks = [lock("ACCESS EXCLUSIVE")];
  expect(
    judge(seen("alter table orders alter x type bigint", { locks, rewrites: [orders], scans: [orders] }))
      .risk,
  ).toBe("rewrites");
  const ofIndex = { locks: [lock("SHARE")], rewrites: [byCustomer], scans: [orders] };
  expect(judge(seen("reindex index by_customer", ofIndex)).risk).toBe("blocks writes");
});

test("the modes are those of pg_locks", () => {
  expect(modeOf("AccessExclusiveLock")).toBe("ACCESS EXCLUSIVE");
  expect(modeOf("ShareUpdateExclusiveLock")).toBe("SHARE UPDATE EXCLUSIVE");
  expect(modeOf("SIReadLock")).toBeUndefined();
});

test("a lock that a statement before it has taken is not called none", () => {
  const again = judge(seen("lock table orders", { held: [lock("ACCESS EXCLUSIVE")] }));
  expect(again).toMatchObject({ risk: "safe", why: "It takes no lock that its transaction does not hold." });
  expect(judge(seen("create table fresh ()")).why).toBe("It locks nothing that was there before.");
});

test("the lock of an index is named beside the weaker one of its table", () => {
  const locks = [lock("SHARE"), lock("ACCESS EXCLUSIVE", byCustomer)];
  const { risk, why } = judge(seen("reindex table orders", { locks, rewrites: [byCustomer] }));
  expect(risk).toBe("blocks reads");
  expect(why).toContain("SHARE on public.orders and ACCESS EXCLUSIVE on public.by_customer are held");
  const strong = [lock("ACCESS EXCLUSIVE"), lock("ACCESS EXCLUSIVE", byCustomer)];
  expect(
    judge(seen("alter table orders alter x set not null", { locks: strong, scans: [orders] })).why,
  ).toMatch(/^ACCESS EXCLUSIVE on public\.orders is held/);
});

test("the safer way is named also where a statement before it holds the lock", () => {
  const second = { held: [lock("SHARE")], builds: [byCustomer] };
  expect(judge(seen("create index on orders (x)", second)).safer).toContain("CONCURRENTLY");
});

test("several relations are many, and of very many a sentence names some", () => {
  const many = Array.from({ length: 8 }, (_, at): SeenRelation => ({ ...orders, name: `t${at}` }));
  const two = many.slice(0, 2);
  const locks = (relations: readonly SeenRelation[]) =>
    relations.map((relation) => lock("ACCESS EXCLUSIVE", relation));
  const { why } = judge(seen("cluster", { locks: locks(two), rewrites: two }));
  expect(why).toContain("public.t0, public.t1 are written anew");
  expect(why).toContain("nobody reads or writes them");
  const scanned = judge(seen("alter table t0 validate", { locks: locks(many), scans: many })).why;
  expect(scanned.match(/public\.t4 and 3 more/g)).toHaveLength(2);
});
