import { expect, test } from "vitest";
import { databasesLike } from "./locale.ts";

const PLAIN = `create database "x" template template0 strategy file_copy`;
const of = (provider: string, collate: string, name: string | null) =>
  databasesLike("x", { provider, collate, ctype: collate, name }).map((text) =>
    text.replace(/.*file_copy ?/, ""),
  );

test("texts sort by bytes where they do on the target", () => {
  for (const collate of ["C", "POSIX", "C.UTF-8", "C.utf8"])
    expect(databasesLike("x", { provider: "c", collate, ctype: collate, name: null })).toEqual([PLAIN]);
  expect(databasesLike("x", { provider: "b", collate: "C", ctype: "C", name: "C.UTF-8" })).toEqual([PLAIN]);
});

test("texts sort as on the target where this machine can, else by any rules, else by bytes", () => {
  expect(of("c", "en_US.UTF-8", null)).toEqual([
    "locale_provider libc lc_collate 'en_US.UTF-8' lc_ctype 'en_US.UTF-8'",
    "locale_provider icu icu_locale 'und' locale 'C'",
    "",
  ]);
  expect(of("i", "C", "de-DE")).toEqual([
    "locale_provider icu icu_locale 'de-DE' locale 'C'",
    "locale_provider icu icu_locale 'und' locale 'C'",
    "",
  ]);
});
