/** Joins what several authors have written, such as the hint of a module and ours. */
export function joinSentences(...parts: readonly (string | undefined)[]): string | undefined {
  const said = parts.map((part) => part?.trim()).filter((part) => part !== undefined && part !== "");
  if (said.length === 0) return undefined;
  return said.map((part, index) => (index < said.length - 1 ? withStop(part as string) : part)).join(" ");
}

function withStop(sentence: string): string {
  return /[.!?…:;][)"'»”]?$/.test(sentence) ? sentence : `${sentence}.`;
}
