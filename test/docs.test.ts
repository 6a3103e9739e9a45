/** What is written down is what there is. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EXAMPLES, filesBelow, renderDeploy, renderExample } from "../scripts/deploy.mjs";
import { renderDocs } from "../scripts/docs.mjs";
import { COMMANDS } from "../src/cli/commands.ts";
import { ERROR_CODES } from "../src/errors.ts";

const reference = (name: string) =>
  readFileSync(join(import.meta.dirname, "..", "docs", "reference", name), "utf8");

test("cli.md, config.md, api.md and locks.md are made from the tables and the types: node scripts/docs.mjs", async () => {
  for (const [name, text] of Object.entries(await renderDocs())) expect(reference(name), name).toBe(text);
}, 120_000);

test("errors.md lists every code under its class, and no other", () => {
  const listed = reference("errors.md")
    .split(/^## /m)
    .slice(1)
    .flatMap((section) => {
      const [name] = section.split(":");
      return [...section.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => `${code} ${name}`);
    });
  expect(listed.toSorted()).toEqual(
    Object.entries(ERROR_CODES)
      .map((entry) => entry.join(" "))
      .toSorted(),
  );
});

test("json.md names every command", () => {
  const text = reference("json.md");
  expect(COMMANDS.map(({ name }) => name).filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
});

test("a decision has its number, a title, and a status with a date", () => {
  const folder = join(import.meta.dirname, "..", "docs", "decisions");
  const names = readdirSync(folder).toSorted();
  expect(names.map((name) => Number(name.slice(0, 4)))).toEqual(names.map((_, at) => at + 1));
  for (const name of names)
    expect(readFileSync(join(folder, name), "utf8"), name).toMatch(
      new RegExp(
        `^# ${Number(name.slice(0, 4))}\\. .+\n\n\\*\\*Status\\.\\*\\* (?:Accepted|Superseded) 20\\d\\d-\\d\\d-\\d\\d`,
      ),
    );
});

test("deploy/ is what godwit init writes for a small project: node scripts/deploy.mjs", () => {
  const folder = join(import.meta.dirname, "..", "deploy");
  const written = Object.fromEntries(
    filesBelow(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]),
  );
  expect(written).toEqual(renderDeploy());
});

test.each(Object.keys(EXAMPLES))(
  "the files for a deployment of %s are what godwit init writes there",
  (name) => {
    const folder = join(import.meta.dirname, "..", "examples", name);
    for (const [path, text] of Object.entries(renderExample(name)))
      expect(readFileSync(join(folder, path), "utf8"), path).toBe(text);
  },
);
