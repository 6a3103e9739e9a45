import { expect, test } from "vitest";
import type { Forecast } from "../../run/forecast.ts";
import { stepVerdict } from "./forecast.ts";

const relation = (name: string, mebibytes: number) => ({
  ...{ relation: name, bytes: mebibytes * 1024 ** 2, toastBytes: 0, indexBytes: 0 },
});

test("a migration is as large as all that its statements write anew, not as the first of them", () => {
  const report = { relations: [relation("s.small", 1), relation("s.large", 1000)] } as unknown as Forecast;
  const rewriting = (...rewrites: readonly string[]) => ({ risk: "rewrites", rewrites });
  const step = {
    risk: "rewrites",
    statements: [rewriting("s.small"), rewriting("s.large"), rewriting("s.small")],
  };
  expect(stepVerdict(step as never, report)).toBe("rewrites 1,001 MB");
  expect(stepVerdict({ risk: "safe", statements: [] } as never, report)).toBe("safe");
  expect(stepVerdict({ risk: null, statements: [] } as never, report)).toBe("not known");
});
