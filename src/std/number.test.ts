import { expect, test } from "vitest";
import { whole } from "./number.ts";

test.each([0, 7, 999, 1000, 12345, 123456, 1234567.5, 1e9, -1234, 999.5])("%d as in English", (value) => {
  expect(whole(value)).toBe(Math.round(value).toLocaleString("en-US"));
});
