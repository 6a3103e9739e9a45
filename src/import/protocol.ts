/** What the import and its worker processes say to each other. File bytes are never among it: they would take longer to hand over than to fetch. */
import type { OriginSettings } from "../origin/origin.ts";
import type { Description } from "../pixels/pixels.ts";

export interface WorkerSettings {
  readonly origin: OriginSettings;
  readonly hashSize: number;
  readonly maxPixels: number;
  /** What all processes together may hold, about: an image that needs more by itself is refused. */
  readonly memoryBytes: number;
  /** What this one may hold: of files, and of the pixels of one image. */
  readonly heldBytes: number;
  /** Of files that were fetched: the one that is being hashed, and those that wait. */
  readonly aheadBytes: number;
  /** Files that are fetched at a time. */
  readonly fetching: number;
}

export interface FileJob {
  readonly id: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** Instead of being described it is made small, for a contact sheet. */
  readonly thumbnailPx?: number;
}

export type ToWorker =
  | { readonly kind: "start"; readonly settings: WorkerSettings }
  | { readonly kind: "file"; readonly job: FileJob };

export type FromWorker =
  /** The first: it runs, and what ends it from now on may be a file. */
  | { readonly kind: "ready" }
  | { readonly kind: "notice"; readonly message: string }
  /** The origin cannot be reached by this worker, for now or for good; or something that it needs is missing here. */
  | {
      readonly kind: "origin";
      readonly code: string;
      readonly message: string;
      readonly hint: string | undefined;
    }
  /** All bytes are here; from now on it is the image that takes the time. */
  | { readonly kind: "fetched"; readonly id: string; readonly bytes: number }
  | {
      readonly kind: "described";
      readonly id: string;
      readonly description: Description;
      readonly sizeBytes: number;
    }
  | { readonly kind: "thumbnail"; readonly id: string; readonly webp: Uint8Array }
  | { readonly kind: "refused"; readonly id: string; readonly code: string; readonly message: string }
  /** The connection broke while this file was read: not the file's fault. */
  | { readonly kind: "interrupted"; readonly id: string };
