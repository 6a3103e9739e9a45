/** What the searches for passwords share. */

/** Stands in the place of a secret. */
export const HIDDEN = "***";

/** Shorter words behind `token=` and the like are prose. */
export const LEAST_LENGTH = 6;

/**
 * Where the next space, line end, … is; the length of the text where there is none. Offsets may only grow, so each
 * search reads the text once.
 */
export function finder(text: string) {
  const forward = (search: (from: number) => number) => {
    let found = -1;
    return (from: number) => {
      if (found < from) found = search(from);
      if (found === -1) found = text.length;
      return found;
    };
  };
  const matching = (pattern: RegExp) =>
    forward((from) => {
      pattern.lastIndex = from;
      return pattern.exec(text)?.index ?? -1;
    });
  return {
    space: matching(/\s/g),
    lineEnd: matching(/[\r\n]/g),
    at: forward((from) => text.indexOf("@", from)),
    scheme: forward((from) => text.indexOf("://", from)),
    commentEnd: forward((from) => text.indexOf("*/", from)),
  };
}

export function isSpace(character: string): boolean {
  return /\s/.test(character);
}
