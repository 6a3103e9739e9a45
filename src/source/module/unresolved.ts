/** What Node says of an import or of syntax without a place: where it is in the author's text, and what to write instead. */

export interface Unresolved {
  /** The file that holds the import, where Node names it. */
  readonly importer: string | undefined;
  /** In that file, what to look for. */
  readonly sought: RegExp;
  readonly hint: string;
}

/** `null`: Node's message is of another kind. The messages are those of `lib/internal/errors.js`. */
export function unresolved(message: string, text: string): Unresolved | null {
  const missing = /Cannot find (package|module) '([^']+)' imported from (.+?)$/m.exec(message);
  if (missing !== null) {
    const [, kind, name = "", importer] = missing;
    const sought = kind === "package" ? name : (name.split("/").at(-1) ?? name);
    return { importer, sought: specifier(sought), hint: hintFor(kind ?? "", name) };
  }
  const named = /Package import specifier "([^"]+)" is not defined(?:.* imported from (.+?))?$/m.exec(
    message,
  );
  if (named !== null) {
    const [, name = "", importer] = named;
    return {
      importer,
      sought: specifier(name),
      hint: `Define "${name}" in \`imports\` of package.json, or import by a relative path.`,
    };
  }
  // Node 20 and 22 word it differently.
  const attribute = /Module "([^"]+)" needs an import attribute of (?:type "json"|"type: json")/.exec(
    message,
  );
  if (attribute !== null) {
    const name = attribute[1]?.split("/").at(-1) ?? "";
    return {
      importer: undefined,
      sought: specifier(name),
      hint: `Write: import … from "…/${name}" with { type: "json" };`,
    };
  }
  // Node 20 to 24 know no decorators, and the compiler leaves them as they are.
  if (/Invalid or unexpected token/.test(message) && DECORATOR.test(text))
    return {
      importer: undefined,
      sought: DECORATOR,
      hint: "Node does not run decorators: write it without them.",
    };
  return null;
}

const DECORATOR = /^[ \t]*@[A-Za-z_$]/m;

/** The end of a quoted specifier. */
function specifier(end: string): RegExp {
  const escaped = end.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`["'\`][^"'\`\\n]*${escaped}(?:\\.[mc]?[jt]s)?["'\`/]`);
}

function hintFor(kind: string, name: string): string {
  if (kind === "module")
    return "The file is not there: correct the path of the import, or put the file where it is expected.";
  const alias =
    "`paths` and `baseUrl` of tsconfig.json hold for the compiler alone: import by a relative path, or by a name in `imports` of package.json.";
  return /^[@~]$|^@\//.test(name)
    ? alias
    : `Install it (npm install ${name}), or correct the import. If it is an alias: ${alias}`;
}
