// Runs a command and stops it when our standard input ends, which it does however the parent dies.
// Arguments: signal, folder to remove afterwards, JSON of { program, args, as }.
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";

const [signal, folder, command] = process.argv.slice(2);
const { program, args, as } = JSON.parse(command);
const child = spawn(program, args, { ...as, stdio: ["ignore", "inherit", "inherit"] });
child.on("exit", (code) => {
  rmSync(folder, { recursive: true, force: true });
  process.exit(code ?? 1);
});
process.stdin.on("close", () => child.kill(signal));
process.stdin.resume();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => {}); // the parent decides
