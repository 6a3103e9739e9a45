// Compiles src/pixels/kernel.as (AssemblyScript) into src/pixels/kernel-code.ts; run it after every change there.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import asc from "assemblyscript/asc";

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), "src", "pixels");

/** The text of kernel-code.ts. */
export async function renderKernel() {
  const source = readFileSync(join(folder, "kernel.as"), "utf8");
  const outcome = { binary: undefined };
  const { error, stderr } = await asc.main(
    [
      "kernel.ts",
      ...[
        "--outFile",
        "kernel.wasm",
        "--runtime",
        "stub",
        "--optimizeLevel",
        "3",
        "--noAssert",
        "--enable",
        "simd",
      ],
    ],
    {
      readFile: (name) => (name === "kernel.ts" ? source : null),
      writeFile: (name, contents) => {
        if (name === "kernel.wasm") outcome.binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error || !outcome.binary) throw new Error(`kernel.as: ${error?.message ?? ""}\n${stderr.toString()}`);
  const lines =
    Buffer.from(outcome.binary)
      .toString("base64")
      .match(/.{1,100}/g) ?? [];
  return [
    "/** Made from kernel.as by `node scripts/kernel.mjs`; not to be edited. */",
    "export const KERNEL_CODE =",
    `${lines.map((line) => `  "${line}"`).join(" +\n")};`,
    "",
  ].join("\n");
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  writeFileSync(join(folder, "kernel-code.ts"), await renderKernel());
