import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";

test("a slip of the fingers finds what was meant, a stranger nothing", () => {
  const commands = ["status", "history", "heads", "head", "up"];
  expect(nearest("statsu", commands)).toBe("status");
  expect(nearest("HISTROY", commands)).toBe("history");
  expect(nearest("hea", commands)).toBe("head");
  expect(nearest("completely", commands)).toBeUndefined();
});

test("the answer does not depend on the order of the candidates", () => {
  expect(nearest("cat", ["bat", "hat"])).toBe("bat");
  expect(nearest("cat", ["hat", "bat"])).toBe("bat");
});

test("a swap of neighbours is one slip, and very short words are not guessed", () => {
  expect(nearest("pu", ["up", "down"])).toBe("up");
  expect(nearest("x", ["up", "down"])).toBeUndefined();
  expect(nearest("", ["up", "down"])).toBeUndefined();
});

test("a word that is longer than any name is not compared", () => {
  expect(nearest("a".repeat(200_000), ["b".repeat(200_000), "databaseUrl"])).toBeUndefined();
});
