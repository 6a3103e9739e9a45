/** Which kernel works, and a few of them at hand. */
import type { Kernel } from "./kernel.ts";
import { openJsKernel } from "./kernel-js.ts";
import { openWasmKernel } from "./kernel-wasm.ts";

/** WebAssembly where there is such a thing (also with `--jitless` there is none), else JavaScript. */
export function openKernel(): Kernel {
  return openWasmKernel() ?? openJsKernel();
}

/** A few at hand, so that an image costs no new memory. What is used by one image is used by no other. */
const idle: Kernel[] = [];
const KEEP = 4;

export async function withKernel<T>(work: (kernel: Kernel) => Promise<T>): Promise<T> {
  const kernel = idle.pop() ?? openKernel();
  try {
    return await work(kernel);
  } finally {
    // A panorama may have needed much more than what the next one will.
    if (idle.length < KEEP && kernel.memory.byteLength <= 8 * 2 ** 20) idle.push(kernel);
  }
}
