/** Hints that no row follows yet. A hint that gets a row leaves this list. */
export const OPEN: readonly string[] = [];
