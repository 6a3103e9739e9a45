/**
 * Maps a stack, which refers to compiled code, to the place in the file that the author wrote. The first frame inside
 * the migrations folder counts, and helpers in that folder count too.
 */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Place } from "../../errors.ts";
import type { StackReader } from "../../host/failures.ts";
import { ownFile } from "../../host/own-files.ts";
import { placeOf } from "../place.ts";
import { compileTypeScript, isTypeScript } from "./hooks.ts";
import { compileSettings } from "./typescript.ts";

export interface Frame {
  /** Absolute. */
  readonly path: string;
  readonly line: number;
  /** In UTF-16 units, from 1. */
  readonly column: number;
}

/** The frames of a stack that are in files, the innermost first. */
function framesOf(stack: string): readonly Frame[] {
  return stack.split("\n").flatMap((line) => {
    const found = FRAME.exec(line);
    if (found === null) return [];
    const [, address = "", at, column] = found;
    const path = address.replace(/\?[^/\\]*$/, "");
    return {
      path: path.startsWith("file:") ? fileURLToPath(path) : path,
      line: Number(at),
      column: Number(column),
    };
  });
}

const FRAME = /^\s*at (?:async )?(?:.*? \()?((?:file:\/\/|\/|[A-Za-z]:\\).*?):(\d+):(\d+)\)?$/;

/** `file` is the migration's own name, in case the folder holds its frozen form. */
export async function placeOfStack(
  stack: string,
  { folder, file }: { readonly folder: string; readonly file: string },
): Promise<Place | undefined> {
  const inside = framesOf(stack).find((frame) => nameIn(folder, frame.path) !== null);
  return inside === undefined
    ? undefined
    : await placeOfFrame(inside, ownName(nameIn(folder, inside.path) ?? "", file));
}

/** For the process of user code. On its stacks, every file belongs to the author, to a package, or to us. */
export const READER: StackReader = {
  async placeOf(stack, { path, file }) {
    const folder = path.endsWith(`${sep}${file}`) ? path.slice(0, -file.length) : dirname(path);
    const place = await placeOfStack(stack, { folder, file });
    if (place !== undefined) return place;
    const helper = framesOf(stack).find((frame) => isOthers(frame.path));
    return helper === undefined ? undefined : await placeOfFrame(helper, helper.path);
  },
  async mapped(stack) {
    const lines = stack.split("\n").map(async (line) => {
      const [frame] = framesOf(line);
      const found = FRAME.exec(line);
      if (frame === undefined || found === null || !isOthers(frame.path)) return line;
      const { line: row, column } = await placeOfFrame(frame, frame.path);
      const at = found[0].indexOf(`${found[1]}:${found[2]}:${found[3]}`);
      const end = found[0].endsWith(")") ? ")" : "";
      return row === undefined ? line : `${line.slice(0, at)}${frame.path}:${row}:${column}${end}`;
    });
    return (await Promise.all(lines)).join("\n");
  },
};

function isOthers(path: string): boolean {
  return !path.includes("/node_modules/") && !path.startsWith(`${dirname(ownFile("user-code.js"))}/`);
}

/** The place that a frame refers to, in a file called `name`. */
async function placeOfFrame(frame: Frame, name: string): Promise<Place> {
  try {
    const text = readFileSync(frame.path, "utf8");
    const code = isTypeScript(frame.path)
      ? await compileTypeScript(text, frame.path, compileSettings(null))
      : text;
    const mapped = mapOf(code);
    // Node was started to map stacks itself (--enable-source-maps).
    if (mapped === null || process.sourceMapsEnabled) return placeOf(name, text, frame);
    const entry = mapped.findEntry(frame.line - 1, frame.column - 1);
    if (!("originalLine" in entry)) return { file: name };
    const [source = name] = mapped.payload.sources;
    const written = join(dirname(name), source).split(sep).join("/");
    return placeOf(written, mapped.payload.sourcesContent?.[0] ?? text, {
      line: entry.originalLine + 1,
      column: entry.originalColumn + 1,
    });
  } catch {
    return { file: name };
  }
}

/** `null`: the path is not in the folder, or it is in a package inside the folder. */
function nameIn(folder: string, path: string): string | null {
  const root = existsSync(folder) ? realpathSync(folder) : resolve(folder);
  for (const base of [resolve(folder), root]) {
    const name = relative(base, path).split(sep).join("/");
    if (name !== "" && !name.startsWith("../") && !name.includes("node_modules/")) return name;
  }
  return null;
}

/** A frozen module is in `modules/`, with an extension that says what it is. */
function ownName(name: string, file: string): string {
  const bare = (each: string) => each.replace(/\.[mc]?[jt]s$/, "");
  const frozen = name.replace(/^modules\//, "");
  return bare(frozen) === bare(file) ? file : name === file ? file : frozen;
}

function mapOf(code: string): SourceMap | null {
  const inline = /\/\/# sourceMappingURL=data:application\/json;base64,(\S+)\s*$/.exec(code)?.[1];
  if (inline === undefined) return null;
  return new SourceMap(JSON.parse(Buffer.from(inline, "base64").toString()) as SourceMapPayload);
}
