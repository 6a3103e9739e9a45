/** Images that take long for what they are: noise, computed for each pixel. */
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** About four seconds, and about a minute, of one core. */
export const SLOW = noise(1500, 28);
export const ENDLESS = noise(3000, 50);

/** Writes a file with a date long ago; its folders are made. */
export function putOld(folder: string, path: string, bytes: string | Buffer): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  utimesSync(file, LONG_AGO, LONG_AGO);
}

const LONG_AGO = new Date(Date.UTC(2021, 5, 1, 12));

function noise(side: number, octaves: number): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}"><filter id="noise"><feTurbulence baseFrequency="0.05" numOctaves="${octaves}"/></filter><rect width="${side}" height="${side}" filter="url(#noise)"/></svg>`;
}
