import { expect, test } from "vitest";
import { offsetLoop } from "./offset-loop.ts";
import { quotedTexts } from "./texts.ts";

const LOOP = `import { migration } from "godwit";
// A comment's quote, and a pattern: /["'\`]/.
const quote = /["'\`]/g;
export default migration({
  async up({ query, sql }) {
    for (let offset = 0; ; offset += 1000) {
      const { rows } = await query(
        \`select id, first_name from users
         where display_name is null order by id limit \${1000} offset \${offset}\`,
      );
      if (rows.length === 0) break;
      for (const { id, first_name } of rows)
        await sql\`update users set display_name = \${first_name ?? "it's"} where id = \${id}\`;
    }
  },
});
`;

test("a loop by OFFSET over what it changes is named, with its line", () => {
  expect(offsetLoop("0002_names.ts", LOOP)).toMatchObject({
    code: "SOURCE_OFFSET_LOOP",
    message: expect.stringContaining("pages users by OFFSET, and changes display_name"),
    place: { file: "0002_names.ts", line: 9 },
  });
  const deletes = LOOP.replace(/update users set .* where/, "delete from users where");
  expect(offsetLoop("a.ts", deletes)?.message).toContain("whose rows it deletes");
});

test.each([
  ["pages by key", LOOP.replace(` offset \${offset}`, "").replace("where", `where id > \${offset} and`)],
  ["asks for another column", LOOP.replace("display_name is null", "first_name is not null")],
  ["changes another table", LOOP.replace("update users", "update people")],
  ["does not page", LOOP.replace(`offset \${offset}`, "offset 0")],
  [
    "speaks of it in a comment",
    LOOP.replace("`select", "'select 1', /* `select").replace("offset}`,", "offset}` */"),
  ],
])("one that %s is not", (_, code) => {
  expect(offsetLoop("a.ts", code)).toBeNull();
});

test("texts end where their quotes do, also in templates within templates", () => {
  const texts = (code: string) => quotedTexts(code).map(({ text }) => text);
  expect(texts(`a = \`x \${ { b: \`y \${'z'}\` }.b } w\` / 2 + '/' + "\\""`)).toEqual([
    "z",
    "y $1",
    "x $1 w",
    "/",
    '"',
  ]);
  expect(texts("return /'/.test(x) ? '1' : \"2\"; // '3'\n/* '4' */ '5'")).toEqual(["1", "2", "5"]);
  expect(texts("`never closed ${ 'a' ")).toEqual(["a"]);
});
