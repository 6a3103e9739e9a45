/**
 * What the kernel says of a process: its threads, and the memory that it and everything that it has started hold. V8's own
 * limit is about its heap alone: buffers and native code are beyond it.
 */
import { readdirSync, readFileSync } from "node:fs";

/** Bytes of the whole tree below a process; `null` where the kernel does not tell (no /proc). */
export function heldBytes(root: number, limitBytes: number): number | null {
  const tree = treeOf(root);
  if (tree === null) return null;
  const resident = sum(tree, (pid) => kilobytesIn(`/proc/${pid}/status`, "VmRSS"));
  // Pages that several processes share are in each of their counts. To share them out takes longer, so it is asked last.
  if (resident <= limitBytes) return resident;
  return sum(
    tree,
    (pid) => kilobytesIn(`/proc/${pid}/smaps_rollup`, "Pss") || kilobytesIn(`/proc/${pid}/status`, "VmRSS"),
  );
}

/** A process and all below it, it first; `null` where there is no /proc. */
export function treeOf(root: number): readonly number[] | null {
  let names: readonly string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return null;
  }
  const children = new Map<number, number[]>();
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(textOf(`/proc/${name}/stat`).split(") ").at(-1)?.split(" ")[1]);
    if (parent > 0) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  if (children.size === 0) return null;
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** Empty where the kernel does not tell. */
export function threadsOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

function sum(tree: readonly number[], kilobytes: (pid: number) => number): number {
  return 1024 * tree.reduce((total, pid) => total + kilobytes(pid), 0);
}

/** 0 where the process has just ended, or nobody may look. */
function kilobytesIn(path: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(textOf(path))?.[1] ?? 0);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
