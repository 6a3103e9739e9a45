/** What was told while a test ran. It is looked through when the test ends, because a look in between would disturb it. */
import { inspect } from "node:util";
import { findSecrets } from "./canaries.ts";
import { expectNoSecrets } from "./no-secrets.ts";

const MOST_CHARACTERS = 2_000_000;
let heard: { where: string; text: string }[] = [];

/** Pieces of the same place are one text: a secret may be cut in two by a pipe. */
export function listener(where: string): (text: string) => void {
  const told = { where, text: "" };
  return (text) => {
    if (told.text === "" || !heard.includes(told)) heard.push(told);
    if (told.text.length < MOST_CHARACTERS) told.text += text;
  };
}

export function hear(where: string, text: string): void {
  if (findSecrets(text).length > 0) heard.push({ where, text });
}

/** Throws with the first that holds a secret. What was heard is forgotten. */
export function expectNoneHeard(): void {
  const all = heard;
  heard = [];
  for (const { where, text } of all) expectNoSecrets(where, text);
}

/** All of it, as a person would print it. */
export function textOf(value: unknown): string {
  return inspect(value, { depth: null, maxArrayLength: null, maxStringLength: null, breakLength: Infinity });
}
