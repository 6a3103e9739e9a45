export const ENTRIES: readonly string[];
export function writeDeclarations(folder: string): void;
