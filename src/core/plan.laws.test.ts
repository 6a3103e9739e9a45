/** Laws of planning, checked on random sources against a model that is slow and simple enough to be right. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { shuffled, someGraph, someLine } from "./arbitraries.ts";
import { type Asked, entry, inputOf } from "./fixtures.ts";
import { EMPTY_HISTORY, type History } from "./history.ts";
import type { Migration } from "./migration.ts";
import { type Plan, plan, type Step } from "./plan.ts";

const source = fc.oneof(someGraph, someLine);
const ids = (steps: readonly Step[]) => steps.map((step) => step.revision);

/** What the ledger contains after these steps. */
function after(history: History, files: readonly Migration[], steps: readonly Step[]): History {
  let entries = [...history.entries];
  for (const [index, step] of steps.entries()) {
    entries = entries.filter((other) => other.revision !== step.revision);
    const file = files.find(({ id }) => id === step.revision);
    if (step.direction === "up" && file !== undefined) {
      entries.push(entry(file, { sequence: history.entries.length + index + 1 }));
    }
  }
  return { ...history, entries };
}

function up(files: readonly Migration[], asked: Asked = {}): Plan {
  return plan(inputOf(files, { to: "heads", ...asked }));
}

function down(files: readonly Migration[], to: string, history: History): Plan {
  return plan(inputOf(files, { history, goal: { direction: "down", to } }));
}

test("planning after applying is empty", () => {
  fc.assert(
    fc.property(source, (files) => {
      const { steps } = up(files);
      expect(ids(steps).toSorted()).toEqual(files.map(({ id }) => id).toSorted());
      const again = up(files, { history: after(EMPTY_HISTORY, files, steps) });
      expect(again).toMatchObject({ steps: [], held: [], warnings: [] });
    }),
  );
});

test("a prefix applied, then planned, is the suffix", () => {
  fc.assert(
    fc.property(source, fc.nat(8), (files, wish) => {
      const { steps } = up(files);
      const count = Math.min(wish, steps.length);
      const rest = up(files, { history: after(EMPTY_HISTORY, files, steps.slice(0, count)) });
      expect(ids(rest.steps)).toEqual(ids(steps).slice(count));
    }),
  );
});

test("the plan ignores how the folder was listed", () => {
  const drawn = source.chain((files) => fc.tuple(fc.constant(files), shuffled(files), fc.nat(8)));
  fc.assert(
    fc.property(drawn, ([files, mixed, wish]) => {
      const history = after(EMPTY_HISTORY, files, up(files).steps.slice(0, wish));
      expect(up(mixed, { history })).toEqual(up(files, { history }));
      expect(down(mixed, "base", history)).toEqual(down(files, "base", history));
    }),
  );
});

test("a step comes behind all steps that it names", () => {
  fc.assert(
    fc.property(source, fc.nat(8), (files, wish) => {
      const forward = up(files).steps;
      const back = down(files, "base", after(EMPTY_HISTORY, files, forward.slice(0, wish))).steps;
      for (const steps of [forward, back]) {
        for (const [index, step] of steps.entries()) {
          for (const other of step.after) expect(ids(steps).slice(0, index)).toContain(other);
        }
      }
    }),
  );
});

test("one phase after the other is the same as both at once", () => {
  fc.assert(
    fc.property(someLine, (files) => {
      const first = up(files, { goal: { to: "head", phases: ["startup"] } });
      const history = after(EMPTY_HISTORY, files, first.steps);
      const second = up(files, { history, goal: { to: "head", phases: ["complex"] } });
      expect([...ids(first.steps), ...ids(second.steps)]).toEqual(ids(up(files).steps));
      expect(first.held.map(({ revision }) => revision).toSorted()).toEqual(ids(second.steps).toSorted());
    }),
  );
});

test("going down takes back in the reverse order, and up again applies the same", () => {
  fc.assert(
    fc.property(source, fc.integer({ min: 1, max: 8 }), (files, wish) => {
      const { steps } = up(files);
      const count = Math.min(wish, steps.length);
      const full = after(EMPTY_HISTORY, files, steps);
      const back = down(files, `-${count}`, full);
      expect(ids(back.steps)).toEqual(ids(steps).slice(-count).reverse());
      expect(ids(up(files, { history: after(full, files, back.steps) }).steps)).toEqual(
        ids(steps).slice(-count),
      );
    }),
  );
});

// Alembic's rules in words. `up x` needs x and all below it. `down x` reverts the descendants of x, and everything that
// needs a reverted migration.
test("in a graph, up and down to a revision are what the model says", () => {
  const drawn = someGraph.chain((files) =>
    fc.tuple(fc.constant(files), fc.constantFrom(...files), fc.constantFrom(...files)),
  );
  fc.assert(
    fc.property(drawn, ([files, start, target]) => {
      const stands = (file: Migration, on: string) => [...(file.revises ?? []), ...file.depends].includes(on);
      const grown = (seed: readonly string[], joins: (file: Migration, set: Set<string>) => boolean) => {
        const set = new Set(seed);
        for (const _ of files) for (const file of files) if (joins(file, set)) set.add(file.id);
        return set;
      };
      const belowOf = (id: string) =>
        grown([id], (file, set) => files.some((other) => set.has(other.id) && stands(other, file.id)));

      const first = up(files, { to: start.id }).steps;
      const applied = belowOf(start.id);
      expect(new Set(ids(first))).toEqual(applied);

      const history = after(EMPTY_HISTORY, files, first);
      const second = up(files, { to: target.id, history }).steps;
      expect(new Set(ids(second))).toEqual(new Set([...belowOf(target.id)].filter((id) => !applied.has(id))));

      if (!applied.has(target.id)) return;
      const children = files.filter(({ revises }) => revises?.includes(target.id)).map(({ id }) => id);
      const gone = grown(children, (file, set) => [...set].some((id) => stands(file, id)));
      const back = down(files, target.id, history).steps;
      expect(ids(back).toSorted()).toEqual([...gone].filter((id) => applied.has(id)).toSorted());
    }),
  );
});
