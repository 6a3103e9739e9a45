/** Files `.properties`. Pure. */

/** As Java writes them: `#` and `!` in front of comments, a `\` at the end of a line that goes on. */
export function parseProperties(text: string): readonly (readonly [string, string])[] {
  return text
    .replace(/\\\r?\n[ \t]*/g, "")
    .split(/\r?\n/)
    .flatMap((line) => {
      const [, key, value = ""] = /^[ \t]*([^#!:=\s][^:=\s]*)[ \t]*[:=]?[ \t]*(.*)$/.exec(line) ?? [];
      return key === undefined ? [] : [[key, value.trim().replace(/\\(.)/g, "$1")] as const];
    });
}
