/**
 * The file that starts the command. It runs the program, which is one file beside it, and keeps what V8 made of it in
 * another: compiling takes longer than everything else in a short command.
 *
 * States of the kept code: absent or refused (the program is compiled, and its code is kept when the process ends), or good.
 * A kept file is complete or absent, because it is written beside and then renamed. Its name has the hash of the program and
 * V8's tag, which covers V8's version, its flags and the processor. A folder that cannot be written to is left as it is.
 */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cachedDataVersionTag } from "node:v8";
import { Script } from "node:vm";

/** The program's file without its ending. The build puts it in. */
declare const __GODWIT_PROGRAM__: string;

/** Node versions and flags that share one folder. With more of them, the later ones compile at each start. */
const MOST_KEPT = 8;

const folder = dirname(fileURLToPath(import.meta.url));
const program = join(folder, `${__GODWIT_PROGRAM__}.cjs`);
const kept = join(folder, `${__GODWIT_PROGRAM__}-${cachedDataVersionTag().toString(16)}.compiled`);

const cachedData = readKept();
// The file is a function in ASCII. V8 keeps its text, at one byte for each character.
const script = new Script(readFileSync(program, "latin1"), {
  filename: program,
  ...(cachedData === undefined ? {} : { cachedData }),
});
// At the end the code of every function that ran is there, not only that of the outermost.
if (cachedData === undefined || script.cachedDataRejected) process.once("exit", keep);
const outer = { exports: {} };
// Node refuses `import()` in code that was kept, so the build has the program call this one.
const importHere = (specifier: string) => import(specifier);
script.runInThisContext()(outer.exports, createRequire(program), outer, program, folder, importHere);

function readKept(): Buffer | undefined {
  try {
    return readFileSync(kept);
  } catch {
    return undefined;
  }
}

function keep(): void {
  const draft = `${kept}.${process.pid}`;
  try {
    if (readdirSync(folder).filter((name) => name.includes(".compiled")).length >= MOST_KEPT) return;
    writeFileSync(draft, script.createCachedData());
    renameSync(draft, kept);
  } catch {
    // Nothing depends on it: the next start compiles again.
    removeIfThere(draft);
  }
}

function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The folder cannot be written to.
  }
}
