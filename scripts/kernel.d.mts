/** The text of src/pixels/kernel-code.ts, compiled again. */
export function renderKernel(): Promise<string>;
