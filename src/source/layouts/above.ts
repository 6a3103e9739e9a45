/** Where a tool keeps its own configuration: in the folder, or in a folder above it within the project. */
import { dirname, join } from "node:path";
import { isThere } from "../folder.ts";

/** The folder and those above it, up to the one that contains the repository. */
export function placesAbove(folder: string): readonly string[] {
  const places: string[] = [];
  for (let place = folder; places.length < LEVELS; place = dirname(place)) {
    places.push(place);
    if (isThere(join(place, ".git")) || place === dirname(place)) break;
  }
  return places;
}

const LEVELS = 8;
