import { expect, test } from "vitest";
import { formatMoment, parseMoment } from "./moment.ts";

const NOW = new Date(2026, 4, 3, 22, 15, 30);
const seen = (text: string) => {
  const moment = parseMoment(text, NOW);
  return moment === null ? null : formatMoment(moment, NOW).replace(/ \(.*/, "");
};

test("a time of day is the next one, and a duration begins now", () => {
  expect(seen("23:00")).toBe("23:00");
  expect(seen("6:00")).toBe("2026-05-04 06:00");
  expect(seen("22:15")).toBe("2026-05-04 22:15");
  expect(seen("90min")).toBe("23:45:30");
  expect(seen("24s")).toBe("22:15:54");
  expect(seen("30s")).toBe("22:16");
  expect(parseMoment("500ms", NOW)?.getTime()).toBe(NOW.getTime() + 500);
  expect(parseMoment("2026-05-04T06:00:00Z", NOW)?.toISOString()).toBe("2026-05-04T06:00:00.000Z");
  expect(seen("2026-05-04T06:00")).toBe("2026-05-04 06:00");
});

test.each(["", "24:00", "6:60", "none", "600", "tomorrow", "2026-13-01T00:00", "06:00:00"])(
  "%j is none",
  (text) => {
    expect(parseMoment(text, NOW)).toBeNull();
  },
);
