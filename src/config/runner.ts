/** Reads `runner` of the configuration: a program and its words. */
import { PLACE_NAMES } from "../source/program-words.ts";
import { passwordsIn } from "../std/credentials.ts";
import { nearest } from "../std/nearest.ts";
import { isWords } from "./checks.ts";

/** The words, or what is wrong with them: the end of a sentence that begins with the name of the option. */
export function parseRunner(
  given: unknown,
): { readonly words: readonly string[] } | { readonly wrong: string } {
  if (!isWords(given)) return { wrong: 'is not a list of words. Write runner: ["./bin/migrate", "{file}"]' };
  if (given.some((word) => passwordsIn(word).length > 0))
    return {
      wrong:
        "has a password among its words, which everybody on the machine can see. It has DATABASE_URL in its environment",
    };
  const places = given.flatMap((word) => word.match(/\{\w*\}/g) ?? []);
  const unknown = places.find((place) => !PLACE_NAMES.includes(place));
  if (unknown !== undefined) {
    const meant = nearest(unknown, PLACE_NAMES);
    return {
      wrong: `has an unknown place ${unknown}. ${meant === undefined ? `There are ${PLACE_NAMES.join(", ")}` : `Did you mean ${meant}?`}`,
    };
  }
  if (!places.includes("{file}") && !places.includes("{revision}"))
    return { wrong: "is not told which migration to carry out. Give it {file} or {revision}" };
  return { words: given };
}
