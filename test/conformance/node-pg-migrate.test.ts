/** The laws over folders of node-pg-migrate. */
import { layoutLaws } from "./layout.ts";

layoutLaws({
  layout: "node-pg-migrate",
  // Numbers, one of them written as a time: 2023-11-14 22:13:20 is 1700000000000.
  order: ["2", "10", "1699999999999", "20231114221320000", "1700000000001", "99999999999999"],
  write: ({ number, name, up, down }) => {
    const id = `${number}_${name}`;
    const back = down === undefined ? "" : `\n-- Down Migration\n${down}\n`;
    return {
      id,
      file: `${id}.sql`,
      downFile: `${id}.sql`,
      files: { [`${id}.sql`]: `-- Up Migration\n${up}\n${back}` },
    };
  },
  without: { mark: "SQL files have none", duplicate: "a name is known by itself, and is there once" },
  foreign: [["names without numbers", { "a.sql": "select 1;" }, /no file in it that begins with a number/]],
  broken: [
    ["a module", { "1_a.js": "exports.up = () => {}" }, /module for `pgm`/, "1_a.js"],
    [
      "a name without a number",
      { "1_a.sql": "select 1;", "seed.sql": "select 1;" },
      /does not begin with a number/,
      "seed.sql",
    ],
  ],
  ignored: { ".keep": "", "lib/helper.js": "" },
});
