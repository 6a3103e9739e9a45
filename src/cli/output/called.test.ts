import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sayAsCalled } from "./called.ts";

const NAMES = ["up", "run", "help"];

function installed(where: string, { manifest }: { readonly manifest: boolean }): string {
  const root = join(mkdtempSync(join(tmpdir(), "godwit-called-")), where);
  mkdirSync(root, { recursive: true });
  if (manifest) writeFileSync(join(root, "package.json"), "{}");
  return root;
}

test("a dependency is called with npx, also under pnpm", () => {
  const project = installed("app", { manifest: true });
  for (const folder of ["node_modules/godwit", "node_modules/.pnpm/godwit@1/node_modules/godwit"]) {
    const say = sayAsCalled(join(project, folder, "dist", "godwit.cjs"), NAMES);
    expect(say("→ `godwit up` applies it, or godwit help options.")).toBe(
      "→ `npx godwit up` applies it, or npx godwit help options.",
    );
    expect(
      say("npx godwit up; godwit-run -- app; @x/godwit up; schema godwit of app; user godwit up-to"),
    ).toBe("npx godwit up; godwit-run -- app; @x/godwit up; schema godwit of app; user godwit up-to");
  }
});

test("a program of the whole machine, and one without a package, are called by their name", () => {
  const lib = installed("lib", { manifest: false });
  const pnpm = installed("pnpm/global/5", { manifest: true });
  for (const program of [
    `${lib}/node_modules/godwit/dist/x.js`,
    `${pnpm}/node_modules/godwit/x.js`,
    "/opt/godwit/x.js",
  ])
    expect(sayAsCalled(program, NAMES)("`godwit up`")).toBe("`godwit up`");
});
