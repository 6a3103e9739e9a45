/** The laws over folders of Flyway. */
import { layoutLaws } from "./layout.ts";

layoutLaws({
  layout: "flyway",
  // By the parts of the version, as numbers; and not by the folder.
  order: ["1", "1.9", "1_10", "02", "10", "20250101120000123456789"],
  write: ({ number, name, up, marked }) => {
    const id = `V${number}__${name}`;
    const file = `${name === "step_1" ? "older/" : ""}${id}.sql`;
    return {
      id,
      file,
      files: { [file]: `${up}\n`, ...(marked ? { [`${file}.conf`]: "executeInTransaction=false\n" } : {}) },
    };
  },
  without: { back: "the tool has no way back" },
  duplicate: [
    { number: "1", name: "a", up: "select 1;" },
    { number: "1.0", name: "b", up: "select 1;" },
  ],
  foreign: [["numbers without V", { "0001_a.sql": "select 1;" }, /no V<version>__<name>\.sql/]],
  broken: [
    ["a class", { "V1__A.java": "class A {}" }, /only SQL is run/, "V1__A.java"],
    [
      "a callback",
      { "V1__a.sql": "select 1;", "afterMigrate.sql": "select 1;" },
      /is a callback/,
      "afterMigrate.sql",
    ],
    ["a placeholder without a value", { "V1__a.sql": `select '\${who}';` }, /\$\{who\}/, "V1__a.sql"],
  ],
  ignored: {
    "U1__undo.sql": "drop table s0;",
    "Vague__name.sql": "select nonsense",
    ".git/V99__x.sql": "select nonsense",
    "flyway.conf": "",
    "beforeClean.sql": "select nonsense",
    "B1__baseline.sql": "select nonsense",
  },
});
