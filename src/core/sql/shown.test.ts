import { expect, test } from "vitest";
import { shownStatement, writtenStatement } from "./shown.ts";

test("a statement stands on one line, as it was written or with its words in upper case", () => {
  const text = "alter table  orders -- why\n  add column \"Größe\" text default 'a  b'";
  expect(writtenStatement(text)).toBe("alter table orders add column \"Größe\" text default 'a  b'");
  expect(shownStatement(text)).toBe("ALTER TABLE ORDERS ADD COLUMN \"Größe\" TEXT DEFAULT 'a  b'");
});

test("what is cut off is seen, unless it is nothing", () => {
  expect(writtenStatement("select 12345678", 15)).toBe("select 12345678");
  expect(writtenStatement("select 123456789", 15)).toBe("select 1234567…");
});
