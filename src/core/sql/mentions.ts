/**
 * Which of some names a text contains as words. It also searches nested texts: literals, and bodies of `DO` and
 * functions.
 */
import { identifierValue, literalValue, uescaped } from "./literals.ts";
import { fold, nextToken } from "./tokens.ts";

/** Comments do not count. */
export function mentionedNames(text: string, names: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>();
  const lower = text.toLowerCase();
  const possible = [...names].some((name) => lower.includes(name.toLowerCase()));
  if (possible) collect(text, names, found);
  return found;
}

function collect(text: string, names: ReadonlySet<string>, found: Set<string>): void {
  const add = (name: string) => {
    if (names.has(name)) found.add(name);
  };
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
    if (token.kind === "word") {
      const word = text.slice(token.start, token.end);
      add(fold(word));
      // A literal may hold a name that is quoted later.
      add(word);
    } else if (token.kind === "quoted") add(identifierValue(uescaped(text, token)));
    else if (token.terminated && (token.kind === "string" || token.kind === "dollar")) {
      const value = literalValue(uescaped(text, token));
      add(value);
      collect(value, names, found);
    }
  }
}
