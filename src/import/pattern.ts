/** Reads names from paths by a pattern such as `<shop>/<template>/<file>`. Pure. */
import { ConfigError } from "../errors.ts";

/** The names that a path gives its file. They are in composed Unicode (NFC), as people type and compare them. */
export interface Names {
  readonly shop: string | null;
  readonly template: string | null;
  readonly file: string;
}

export interface Pattern {
  readonly text: string;
  /** `null`: the path does not fit. */
  match(path: string): Names | null;
}

const DEFAULT_PATTERN = "<shop>/<template>/<file>";

const FIELDS = ["shop", "template", "file"] as const;

/**
 * Reads a pattern. `<shop>`, `<template>` and `*` stand for one folder each, and any other word for a folder of that
 * name. `<file>` ends the pattern. Deeper folders belong to the last one named. Throws `ConfigError`.
 */
export function parsePattern(text: string): Pattern {
  const parts = text.split("/");
  const folders = parts.slice(0, -1);
  const unknown = parts.find((part) => /[<>]/.test(part) && !FIELDS.some((field) => part === `<${field}>`));
  const twice = FIELDS.find((field) => parts.filter((part) => part === `<${field}>`).length > 1);
  if (parts.at(-1) !== "<file>" || unknown !== undefined || twice !== undefined || folders.includes(""))
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `The pattern "${text}" of an import is not understood${unknown === undefined ? "" : `: ${unknown}`}.`,
      hint: `Write ${DEFAULT_PATTERN}; <shop>, <template> and * stand for one folder each, <file> ends it.`,
    });
  return {
    text,
    match(path) {
      const names = path.split("/");
      if (names.length <= folders.length) return null;
      const found: { shop: string | null; template: string | null } = { shop: null, template: null };
      for (const [index, part] of folders.entries()) {
        const name = (names[index] ?? "").normalize("NFC");
        if (part === "<shop>") found.shop = name;
        else if (part === "<template>") found.template = name;
        else if (part !== "*" && part.normalize("NFC") !== name) return null;
      }
      return { ...found, file: (names.at(-1) ?? "").normalize("NFC") };
    },
  };
}
