/** The text of src/pixels/kernel-code.ts, compiled anew. */
export function renderKernel(): Promise<string>;
