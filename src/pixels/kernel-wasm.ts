/** The kernel in WebAssembly, compiled from `kernel.as`. */
import type { Kernel } from "./kernel.ts";
import { KERNEL_CODE } from "./kernel-code.ts";

/** The parts of WebAssembly that are used. Node's types do not include them. */
interface Wasm {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
}
type Code = Omit<Kernel, "memory"> & {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
};

// Compiled once per process, because V8 keeps its optimised code with the module.
let compiled: object | undefined;

const PAGE_BYTES = 65_536;

/** `undefined` if WebAssembly, or its vector instructions, are missing. */
export function openWasmKernel(): Kernel | undefined {
  const { WebAssembly } = globalThis as unknown as { WebAssembly?: Wasm };
  if (!WebAssembly) return undefined;
  try {
    compiled ??= new WebAssembly.Module(Buffer.from(KERNEL_CODE, "base64"));
    // The compiled code imports nothing.
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
