/** The laws over formatted SQL of Liquibase. */
import { type Draft, layoutLaws } from "./layout.ts";

const textOf = ({ number, up, down, marked }: Draft) =>
  [
    `--changeset me:${number}${marked ? " runInTransaction:false" : ""}`,
    up,
    ...(down === undefined ? [] : down.split("\n").map((line) => `--rollback ${line}`)),
    "",
  ].join("\n");
const HEAD = "--liquibase formatted sql\n\n";

const separate = {
  layout: "liquibase",
  form: "liquibase, a file for each",
  // By path, whatever the ids say.
  order: ["A1", "B2", "a3", "b10", "b9", "c/1"],
  write: (draft: Draft) => {
    const file = `${draft.number}.sql`;
    return {
      id: `${file}::${draft.number}::me`,
      file,
      downFile: file,
      files: { [file]: HEAD + textOf(draft) },
    };
  },
  duplicate: [
    { number: "a", name: "a", up: "select 1;" },
    { number: "a", name: "b", up: "select 2;" },
  ],
  foreign: [
    ["plain SQL", { "a.sql": "select 1;" }, /neither a changelog in it/],
    ["an XML file of something else", { "pom.xml": "<project/>" }, /neither a changelog in it/],
  ],
  broken: [
    [
      "a context",
      { "a.sql": `${HEAD}--changeset me:1 context:test\nselect 1;` },
      /has context:test/,
      "a.sql",
    ],
    [
      "a changeset in XML",
      { "changelog.xml": '<databaseChangeLog><changeSet id="1" author="me"/></databaseChangeLog>' },
      /changeset 1 of me is not SQL/,
      "changelog.xml",
    ],
  ],
  ignored: { "README.md": "", "pom.xml": "<project/>" },
  without: { duplicate: "a file is there once" },
} as const;
layoutLaws(separate);

layoutLaws({
  ...separate,
  form: "liquibase, a list in XML",
  order: ["3", "1", "2", "6", "5", "4"],
  around: (drafts: readonly Draft[]) => ({
    "changelog.xml": `<databaseChangeLog>${drafts.map(({ number }) => `<include file="${number}.sql"/>`).join("")}</databaseChangeLog>`,
  }),
  foreign: [["plain SQL", { "a.sql": "select 1;" }, /neither a changelog in it/]],
  ignored: { "unlisted.sql": "select nonsense" },
});
