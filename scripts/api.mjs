// Writes what the library exports as a page, from the declarations that the compiler makes of it.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const ENTRIES = [
  ["godwit", "index.d.ts"],
  ["godwit/health", "health.d.ts"],
  ["godwit/testing", "testing.d.ts"],
];

/** In this order on the page: what is called before what is read. */
const KINDS = [
  ["Functions", /^(?:declare )?(?:async )?(?:function|const) /],
  ["Errors", /^(?:declare )?(?:abstract )?class /],
  ["Types", /^(?:declare )?(?:interface|type) /],
];

/** The text of `docs/reference/api.md`. */
export function renderApi(root, note) {
  const folder = mkdtempSync(join(tmpdir(), "godwit-api-"));
  try {
    declarations(root, folder);
    return [
      "# The library",
      note,
      "Everything that `godwit`, `godwit/health` and `godwit/testing` export, as the compiler declares it. The [guide](../guide.md) shows it in use, [json.md](json.md) says what the fields of reports mean, and [errors.md](errors.md) lists the codes.",
      ...ENTRIES.flatMap(([name, file]) => entry(name, join(folder, file))),
      "",
    ].join("\n\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Without a check of types, which takes most of the compiler's time and is done elsewhere. */
function declarations(root, folder) {
  const options = ["--noEmit", "false", "--declaration", "--emitDeclarationOnly", "--noCheck"];
  const place = ["--project", join(root, "tsconfig.build.json"), "--outDir", folder];
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  execFileSync(process.execPath, [tsc, ...place, ...options, "--rewriteRelativeImportExtensions"], {
    cwd: root,
    stdio: "inherit",
  });
}

function entry(name, file) {
  const all = exported(file).toSorted(byName);
  return [
    `## ${name}`,
    ...KINDS.flatMap(([title, kind]) => {
      const some = all.filter(({ code }) => kind.test(code));
      return chapter(title, some);
    }),
    ...chapter("Types that are only named above", namedBy(all).toSorted(byName)),
  ];
}

function chapter(title, some) {
  return some.length === 0 ? [] : [`### ${title}`, ...some.flatMap(section)];
}

function byName(one, other) {
  return one.name < other.name ? -1 : 1;
}

/** The types that these need to be understood, and those that they need in turn. */
function namedBy(all) {
  const known = new Map(all.map((one) => [one.name, one]));
  for (const one of known.values())
    for (const [name] of one.code.replace(/\/\*[\s\S]*?\*\/|"[^"]*"/g, "").matchAll(/(?<![.\w])[A-Z]\w+/g)) {
      const found = known.has(name) ? undefined : declared(one.file, name);
      if (found !== undefined && KINDS[2][1].test(found.code)) known.set(name, found);
    }
  return [...known.values()].slice(all.length);
}

/** Where a file declares a name, or has it from. */
function declared(file, name) {
  const text = readFileSync(file, "utf8");
  const own = statements(text, file).find((one) => one.name === name);
  if (own !== undefined) return own;
  const from = [...text.matchAll(/^import (?:type )?\{([^}]*)\} from "(\.[^"]+)";/gm)].find(([, names]) =>
    names.split(",").some((one) => one.replace(/^\s*type /, "").trim() === name),
  );
  return from === undefined ? undefined : exported(beside(file, from[2])).find((one) => one.name === name);
}

function beside(file, path) {
  return join(dirname(file), path.replace(/(?:\.d)?\.[jt]s$/, ".d.ts"));
}

function section({ name, doc, code }) {
  return [`#### ${name}`, ...(doc === "" ? [] : [doc]), `\`\`\`ts\n${code}\n\`\`\``];
}

/** What a module declares or passes on, by name. */
function exported(file) {
  const text = readFileSync(file, "utf8");
  const own = statements(text, file).filter(({ isExported }) => isExported);
  const passedOn = [...text.matchAll(/^export (?:type )?\{([^}]*)\} from "([^"]+)";/gm)].flatMap(
    ([, names, from]) => {
      const target = exported(beside(file, from));
      return names
        .split(",")
        .map((name) => name.replace(/^\s*type /, "").trim())
        .filter((name) => name !== "")
        .map((name) => found(target, name, file));
    },
  );
  return [...own, ...passedOn];
}

function found(target, name, file) {
  const [first, ...overloads] = target.filter((one) => one.name === name);
  if (first === undefined) throw new Error(`${file} passes on ${name}, which is not declared where it says.`);
  return { ...first, code: [first, ...overloads].map(({ code }) => code).join("\n") };
}

/** The declarations at the top of a file, each with the comment right above it. */
function statements(text, file) {
  const all = [];
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at);
    // The head of the file stands above the first one, with a comment of its own.
    const [comments, doc = ""] = /^(?:(\s*\/\*\*[\s\S]*?\*\/)(?=\s*\/\*|\s*[^\s/]))*/.exec(rest);
    const body = rest.slice(comments.length);
    const length = lengthOf(body);
    const [, isExported, code] = /^\s*(export )?(?:declare )?([\s\S]*)$/.exec(body.slice(0, length)) ?? [];
    const name = /^(?:abstract )?(?:function|const|class|interface|type) (\w+)/.exec(code)?.[1];
    if (name !== undefined)
      all.push({ file, name, isExported: isExported !== undefined, doc: plain(doc), code: tidy(code) });
    at += comments.length + length;
  }
  return all;
}

const TOKEN = /\/\*[\s\S]*?\*\/|\/\/.*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|[{}()[\];]/g;

/** A block ends with its brace, everything else with a semicolon outside of brackets. */
function lengthOf(text) {
  const isBlock = /^\s*(?:export )?(?:declare )?(?:abstract )?(?:interface|class)\b/.test(text);
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if ("{([".includes(token)) depth++;
    else if ("})]".includes(token)) depth--;
    if (depth === 0 && token === (isBlock ? "}" : ";")) return index + 1;
  }
  return text.length;
}

function plain(doc) {
  return doc
    .replace(/^\s*\/\*\*\s?|\s*\*\/$/g, "")
    .replace(/^\s*\* ?/gm, "")
    .trim();
}

/** Indented as our own files are; what is private is nobody's business. */
function tidy(code) {
  return code
    .replace(/^ +#private;\n/gm, "")
    .replace(/ +$/gm, "")
    .replace(/^(?: {4})+/gm, (spaces) => " ".repeat(spaces.length / 2))
    .trim();
}
