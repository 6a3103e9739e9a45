import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sayAsCalled } from "./called.ts";

const names = ["up", "run", "help"];

function project({ has }: { readonly has: boolean }): string {
  const root = mkdtempSync(join(tmpdir(), "godwit-called-"));
  mkdirSync(join(root, "apps", "shop"), { recursive: true });
  if (!has) return root;
  mkdirSync(join(root, "node_modules", "godwit"), { recursive: true });
  writeFileSync(join(root, "node_modules", "godwit", "package.json"), "{}");
  return root;
}

test("a dependency is called with npx, also from a folder below, and other words stay as they are", () => {
  const root = project({ has: true });
  for (const workingFolder of [root, join(root, "apps", "shop")]) {
    const say = sayAsCalled({ program: "/usr/lib/x.js", workingFolder, names });
    expect(say("→ `godwit up` applies it, or godwit help options.")).toBe(
      "→ `npx godwit up` applies it, or npx godwit help options.",
    );
    const others = "npx godwit up; godwit-run -- app; @x/godwit up; schema godwit of app; user godwit up-to";
    expect(say(others)).toBe(others);
  }
});

test("what npx has fetched is called with npx, everything else by its name", () => {
  const workingFolder = project({ has: false });
  const said = (program: string) => sayAsCalled({ program, workingFolder, names })("`godwit up`");
  expect(said("/home/me/.npm/_npx/a1/node_modules/godwit/dist/godwit.js")).toBe("`npx godwit up`");
  expect(said("/usr/lib/node_modules/godwit/dist/godwit.js")).toBe("`godwit up`");
});
