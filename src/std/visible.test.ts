import { expect, test } from "vitest";
import { visible, visibleLines } from "./visible.ts";

test("what would move the cursor or turn the text around is spelled out", () => {
  expect(visible("a\u001b[31mb\n\t\r\u202Egnp.png")).toBe("a\\u001b[31mb\\n\\t\\r\\u202egnp.png");
  expect(visible("🎨 Größe 👩‍👩‍👧 \\n")).toBe("🎨 Größe 👩‍👩‍👧 \\n");
});

test("lines and their tabs stay in a text of several lines", () => {
  expect(visibleLines("one\n\ttwo\u0007\\t")).toBe("one\n\ttwo\\u0007\\t");
});
