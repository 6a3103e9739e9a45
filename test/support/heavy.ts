/** An app that leaves behind what the kernel cannot end in an instant. */

const HEAVY = `const held = Buffer.alloc(400 << 20, 1);
console.log("left " + process.pid + ".");
setInterval(() => held.length, 1_000_000);`;

/** Leaves a process in its group that holds much memory, says `left <pid>.`, and ends. */
export const LEAVES_HEAVY = `const { spawn } = require("node:child_process");
const left = spawn(process.execPath, ["-e", ${JSON.stringify(HEAVY)}], { stdio: ["ignore", "pipe", "ignore"] });
left.stdout.once("data", (said) => process.stdout.write(said, () => process.exit(0)));`;

/** The process that it has left. */
export function heavyOf({ stdout }: { readonly stdout: string }): number {
  return Number(/left (\d+)\./.exec(stdout)?.[1]);
}
