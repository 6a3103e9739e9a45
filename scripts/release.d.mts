export interface Release {
  readonly description: { readonly version: string; readonly repository?: unknown };
  readonly lock: { readonly version: string };
  readonly changelog: string;
}
export declare function obstaclesTo(tag: string, release: Release): readonly string[];
export declare function distTagOf(tag: string): string;
export declare function notesOf(tag: string, changelog: string): string | null;
