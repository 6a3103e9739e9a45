/** The laws over folders of graphile-migrate. */
import { hashOf } from "../../src/source/layouts/graphile-migrate.ts";
import { type Draft, layoutLaws } from "./layout.ts";

const fileOf = ({ number, name }: Draft) => `committed/${number}-${name}.sql`;
const bodyOf = ({ up, marked }: Draft) => `${marked ? "--! no-transaction\n" : ""}${up}\n`;
const headed = (body: string, previous: string | null, hash: string) =>
  `--! Previous: ${previous ?? "-"}\n--! Hash: ${hash}\n\n${body}`;

layoutLaws({
  layout: "graphile-migrate",
  order: ["000001", "000002", "000009", "000010", "000100", "1000000"],
  write: (draft) => {
    const body = bodyOf(draft);
    const file = fileOf(draft);
    return {
      id: `${draft.number}-${draft.name}`,
      file,
      files: { [file]: headed(body, null, hashOf(body, null)) },
    };
  },
  // Written again, each chained to the one before it.
  around: (drafts) => {
    let previous: string | null = null;
    return Object.fromEntries(
      drafts.map((draft) => {
        const hash = hashOf(bodyOf(draft), previous);
        const text = headed(bodyOf(draft), previous, hash);
        previous = hash;
        return [fileOf(draft), text];
      }),
    );
  },
  without: {
    back: "the tool has no way back",
    duplicate: "two files with one number do not fit into one chain",
    late: "what comes between breaks the chain",
  },
  foreign: [["a flat folder", { "a.sql": "select 1;" }, /no committed\/<number>\.sql/]],
  broken: [
    [
      "two branches that were merged",
      {
        "committed/000001.sql": headed("select 1;\n", null, hashOf("select 1;", null)),
        "committed/000002.sql": headed("select 2;\n", null, hashOf("select 2;", null)),
      },
      /says that it follows nothing/,
      "committed/000002.sql",
    ],
    [
      "a file that was edited after it was committed",
      { "committed/000001.sql": headed("select 2;\n", null, hashOf("select 1;", null)) },
      /not what its hash was made over/,
      "committed/000001.sql",
    ],
  ],
  ignored: { "current.sql": "select nonsense", "committed/README.md": "", "fixtures/f.sql": "nonsense" },
});
