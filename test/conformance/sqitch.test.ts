/** The laws over projects of Sqitch. */
import { type Draft, layoutLaws } from "./layout.ts";

const WHO = "2024-01-02T10:15:00Z Marge <marge@example.com>";
const planOf = (...names: readonly string[]) =>
  `%syntax-version=1.0.0\n%project=laws\n\n${names.map((name) => `${name} ${WHO}\n`).join("")}`;

layoutLaws({
  layout: "sqitch",
  // The plan decides, whatever the names say.
  order: ["z", "a", "10", "9", "deep/er", "B"],
  write: ({ number, name, up, down }) => {
    const id = `${number}_${name}`;
    const file = `deploy/${id}.sql`;
    const downFile = `revert/${id}.sql`;
    return {
      id,
      file,
      downFile,
      files: { [file]: `${up}\n`, ...(down === undefined ? {} : { [downFile]: `${down}\n` }) },
    };
  },
  around: (drafts: readonly Draft[]) => ({
    "sqitch.conf": "[core]\n\tengine = pg\n",
    "sqitch.plan": planOf(...drafts.map(({ number, name }) => `${number}_${name}`)),
  }),
  without: {
    mark: "what has no BEGIN of its own is one transaction here, so that nothing is left half done",
    duplicate: "a name that the plan has twice is broken",
  },
  foreign: [
    ["scripts without a plan", { "deploy/a.sql": "select 1;" }, /no sqitch\.plan/],
    [
      "a project for another database",
      { "sqitch.conf": "[core]\nengine = sqlite\n", "sqitch.plan": planOf("a") },
      /its engine is sqlite/,
    ],
  ],
  broken: [
    ["a change without its script", { "sqitch.plan": planOf("gone") }, /cannot be read/, "deploy/gone.sql"],
    [
      "a name twice",
      { "sqitch.plan": planOf("a", "a"), "deploy/a.sql": "" },
      /a is there twice/,
      "sqitch.plan",
    ],
    [
      "a command of psql",
      { "sqitch.plan": planOf("a"), "deploy/a.sql": "select 1 \\gset\n" },
      /psql command \\gset/,
      "deploy/a.sql",
    ],
  ],
  ignored: {
    "verify/z_step_0.sql": "select nonsense",
    "deploy/stray.sql": "select nonsense",
    "README.md": "",
  },
});
