// Runs a command and stops it when our standard input ends, which it does however the parent dies.
// Arguments: signal, folder to remove afterwards, JSON of { program, args, as, keep }; `keep`: where the command ends by
// itself, its folder is left to a parent that lives.
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";

const [signal, folder, command] = process.argv.slice(2);
const { program, args, as, keep = false } = JSON.parse(command);
const child = spawn(program, args, { ...as, stdio: ["ignore", "inherit", "inherit"] });
let alone = false;
child.on("exit", (code) => {
  if (alone || !keep) rmSync(folder, { recursive: true, force: true });
  process.exit(code ?? 1);
});
process.stdin.on("close", () => {
  alone = true;
  child.kill(signal);
});
process.stdin.resume();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => {}); // the parent decides
