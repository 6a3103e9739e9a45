import { expect, test } from "vitest";
import type { Plan, Step } from "../core/step.ts";
import type { Forecast, ForecastStep } from "./forecast.ts";
import { approved } from "./max-risk.ts";

const step = (revision: string, checksum: string) => ({ revision, checksum }) as Step;
const planOf = (...steps: Step[]) => ({ direction: "up", steps }) as unknown as Plan;
const rehearsed = { revision: "0001", notRehearsed: null, statements: [], predictedMs: null };
const report = { steps: [rehearsed as unknown as ForecastStep] } as unknown as Forecast;
const goal = { direction: "up", to: "heads", phases: [] } as const;
const { approve } = approved(
  { goal, failure: "stop", outOfOrder: false, maxRisk: "safe" },
  { decided: planOf(step("0001", "sha256:a")), report },
);

test.each([
  ["as it was rehearsed", [step("0001", "sha256:a")], null],
  ["nothing, because another run has done it", [], null],
  ["a text that was edited since", [step("0001", "sha256:b")], "its text has changed since"],
  [
    "a file that came since",
    [step("0001", "sha256:a"), step("0002", "sha256:c")],
    "it came after the rehearsal",
  ],
])("under the lock the plan is %s", (_, steps, refused) => {
  const judge = () => approve?.(planOf(...steps));
  if (refused === null) expect(judge).not.toThrow();
  else expect(judge).toThrow(refused);
});

test("the hint is about the same project", () => {
  const own = { goal, failure: "stop", outOfOrder: false, maxRisk: "safe" } as const;
  const { approve: judge } = approved(
    { ...own, projectFlags: " --dir db --target shop" },
    { decided: planOf(), report },
  );
  expect(() => judge?.(planOf(step("0002", "sha256:c")))).toThrow(
    expect.objectContaining({
      hint: expect.stringMatching(
        /`godwit plan --rehearse --dir db --target shop`.*`godwit up --max-risk any --dir db --target shop`/,
      ),
    }),
  );
});
