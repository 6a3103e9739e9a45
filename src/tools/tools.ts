/** Every tool there is; a new one is a file and a line here. The first that recognises a table has it. */
import { drizzle } from "./drizzle.ts";
import type { Tool } from "./tool.ts";

export const TOOLS: readonly Tool[] = [drizzle];

/** Those that speak of the files of a layout. */
export function toolsOf(layout: string): readonly Tool[] {
  return TOOLS.filter((tool) => tool.layouts.includes(layout));
}

export function toolNamed(name: string): Tool | undefined {
  return TOOLS.find((tool) => tool.name === name);
}

/** Kept in step unless the configuration says otherwise. */
export const KEPT_BY_DEFAULT: ReadonlySet<string> = new Set(["drizzle", "supabase"]);
