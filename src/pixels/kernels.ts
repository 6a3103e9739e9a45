/** Chooses a kernel that works, and keeps a few ready. */
import type { Kernel } from "./kernel.ts";
import { openJsKernel } from "./kernel-js.ts";
import { openWasmKernel } from "./kernel-wasm.ts";

/** WebAssembly if it is available (with `--jitless` it is not), otherwise JavaScript. */
function openKernel(): Kernel {
  return openWasmKernel() ?? openJsKernel();
}

/** A few idle kernels, so that an image needs no new memory. Two images never share a kernel at the same time. */
const idle: Kernel[] = [];
const KEEP = 4;

export async function withKernel<T>(work: (kernel: Kernel) => Promise<T>): Promise<T> {
  const kernel = idle.pop() ?? openKernel();
  try {
    return await work(kernel);
  } finally {
    // A panorama may have needed much more memory than the next image does.
    if (idle.length < KEEP && kernel.memory.byteLength <= 8 * 2 ** 20) idle.push(kernel);
  }
}
