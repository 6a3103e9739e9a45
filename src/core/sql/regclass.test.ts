import { expect, test } from "vitest";
import { identifier, quotedName } from "./quote.ts";
import { regclassText, shownTable } from "./regclass.ts";

test("a name as a statement has it becomes one that to_regclass reads", () => {
  for (const name of ["a", "A b", 'say "x"', "größe", "日本", "back\\slash ü", "😀"]) {
    expect(regclassText(identifier(name))).toBe(quotedName(name));
    expect(regclassText(`${identifier("schöma")}.${identifier(name)}`)).toBe(`"schöma".${quotedName(name)}`);
  }
  expect(regclassText(`U&"d!0061t" uescape '!'.t`)).toBe('"dat".t');
  for (const name of ["products", "Shop.products", '"Order"', "größe", "a b", "", "x; --", 'pg_temp."t'])
    expect(regclassText(name)).toBe(name);
});

test("a quoted name is shown as it is called", () => {
  for (const name of ["a", "A b", 'say "x"', "größe", "😀"])
    expect(shownTable(`${identifier("public")}.${identifier(name)}`)).toBe(`public.${name}`);
  expect(shownTable("Shop.products")).toBe("Shop.products");
});
