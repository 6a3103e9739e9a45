/** Settings in the files of other tools, as far as they can be read without running anything: one key, one value. */
import type { Head } from "./look.ts";

export interface Setting {
  /** The file that says it, for people. */
  readonly said: string;
  readonly value: string;
  /** There is one, and it cannot be read. */
  readonly unknown?: true;
}

interface Keyed extends Setting {
  /** With the sections it stands in: `migrate.table-name`. */
  readonly key: string;
}

/** Of a file `.env`. */
export function assignments({ name, text }: Head): readonly Keyed[] {
  return text.split("\n").flatMap((line): Keyed[] => {
    const [, key, value = ""] = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)$/.exec(line) ?? [];
    return key === undefined ? [] : [{ key, said: name, value: unquoted(value) }];
  });
}

/** Of JSON; of TOML, Git's form and Java's properties, line by line. */
export function settings(file: Head): readonly Keyed[] {
  if (file.name.endsWith(".json")) return inJson(file);
  const isList = /\.(?:conf|properties)$/.test(file.name) && !/^\s*\[/m.test(file.text);
  let section = "";
  return file.text.split("\n").flatMap((line): Keyed[] => {
    const [, name, sub] = /^\s*\[\s*([\w.-]+)(?:\s+"([^"]*)")?\s*\]/.exec(line) ?? [];
    if (name !== undefined && !isList) section = `${name}.${sub === undefined ? "" : `${sub}.`}`;
    const [, key, value = ""] = /^\s*"?([A-Za-z][\w.-]*)"?\s*[=:]\s*(.*)$/.exec(line) ?? [];
    if (key === undefined) return [];
    return [{ key: `${section}${key}`, said: file.name, value: isList ? value.trim() : unquoted(value) }];
  });
}

function inJson({ name, text }: Head): readonly Keyed[] {
  const found: Keyed[] = [];
  const walk = (value: unknown, path: string) => {
    if (typeof value === "string") found.push({ key: path, said: name, value });
    else if (typeof value === "object" && value !== null && !Array.isArray(value))
      for (const [key, each] of Object.entries(value)) walk(each, path === "" ? key : `${path}.${key}`);
  };
  try {
    walk(JSON.parse(text), "");
  } catch {
    // Whoever needs that file will say what is wrong with it.
  }
  return found;
}

/** Without quotes, the brackets of a list, and a comment behind it. */
function unquoted(text: string): string {
  const value = text.trim().replace(/^\[\s*/, "");
  const [, quoted] = /^"([^"]*)"/.exec(value) ?? /^'([^']*)'/.exec(value) ?? [];
  return quoted ?? value.replace(/\s[#;].*$/, "").trim();
}

/** A program without its comments; its texts stay. */
export function codeOf(text: string, language: "javascript" | "python"): string {
  const pattern =
    language === "python"
      ? /("""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|#[^\n]*/g
      : /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
  return text.replace(pattern, (_, string?: string) => string ?? " ");
}

/** The text that is written at this place; `null`: something else is, or more than that. */
export function literalAt(text: string, at: number): string | null {
  const [whole, , value] = /^(["'`])((?:(?!\1)[^\\\n$])*)\1/.exec(text.slice(at)) ?? [];
  if (whole === undefined || value === undefined) return null;
  return /^\s*(?:as const\s*)?(?:[,;})\n]|$)/.test(text.slice(at + whole.length)) ? value : null;
}

/** What is between the braces that open at this place; `null`: none do, or they do not close. */
export function block(text: string, at: number): string | null {
  if (text[at] !== "{") return null;
  let depth = 0;
  for (let end = at; end < text.length; end++) {
    if (text[end] === "{") depth++;
    else if (text[end] === "}" && --depth === 0) return text.slice(at + 1, end);
  }
  return null;
}
