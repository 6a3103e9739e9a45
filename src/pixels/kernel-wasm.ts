/** The kernel in WebAssembly: `kernel.as`, compiled. */
import type { Kernel } from "./kernel.ts";
import { KERNEL_CODE } from "./kernel-code.ts";

/** As much of it as is used; Node's types do not have it. */
interface Wasm {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
}
type Code = Omit<Kernel, "memory"> & {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
};

// Compiled once for the process: what V8 has learned about it is kept with the module.
let compiled: object | undefined;

const PAGE_BYTES = 65_536;

/** `undefined` where WebAssembly, or its vectors, are missing. */
export function openWasmKernel(): Kernel | undefined {
  const { WebAssembly } = globalThis as unknown as { WebAssembly?: Wasm };
  if (!WebAssembly) return undefined;
  try {
    compiled ??= new WebAssembly.Module(Buffer.from(KERNEL_CODE, "base64"));
    // What is compiled for Node asks for nothing from outside.
    const code = new WebAssembly.Instance(compiled, {}).exports as Code;
    const { memory, grey, same, horizontal, horizontal3, vertical } = code;
    return {
      name: "wasm",
      get memory() {
        return memory.buffer;
      },
      reserve(sizeBytes) {
        const missing = sizeBytes - memory.buffer.byteLength;
        if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
      },
      grey,
      same,
      horizontal,
      horizontal3,
      vertical,
    };
  } catch {
    return undefined;
  }
}
