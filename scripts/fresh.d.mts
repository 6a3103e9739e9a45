import type { SpawnSyncOptions } from "node:child_process";

export declare const root: string;
export declare function buildIfNeeded(options?: { types?: boolean }): boolean;
export declare function node(args: readonly string[], options?: SpawnSyncOptions): number;
