/**
 * The messages between the import and its worker processes. The bytes of files are never sent, because that would
 * take longer than fetching them.
 */
import type { OriginSettings } from "../origin/origin.ts";
import type { Description } from "../pixels/pixels.ts";

export interface WorkerSettings {
  readonly origin: OriginSettings;
  readonly hashSize: number;
  readonly maxPixels: number;
  /** About how many bytes all processes together may hold. An image that needs more by itself is refused. */
  readonly memoryBytes: number;
  /** How many bytes this worker may hold, of files and of the pixels of one image. */
  readonly heldBytes: number;
  /** How many bytes of fetched files it may hold: of the one that is being hashed, and of those that wait. */
  readonly aheadBytes: number;
  /** How many files are fetched at a time. */
  readonly fetching: number;
}

export interface FileJob {
  readonly id: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** If set, the worker makes a thumbnail of this size for a contact sheet, and no description. */
  readonly thumbnailPx?: number;
}

export type ToWorker =
  | { readonly kind: "start"; readonly settings: WorkerSettings }
  | { readonly kind: "file"; readonly job: FileJob };

export type FromWorker =
  /** The first message. From now on, a file may be the reason why the worker ends. */
  | { readonly kind: "ready" }
  | { readonly kind: "notice"; readonly message: string }
  /** The worker cannot reach the origin, for now or for good. Or this machine lacks something that the worker needs. */
  | {
      readonly kind: "origin";
      readonly code: string;
      readonly message: string;
      readonly hint: string | undefined;
    }
  /** All bytes have arrived. From now on the image takes the time. */
  | { readonly kind: "fetched"; readonly id: string; readonly bytes: number }
  | {
      readonly kind: "described";
      readonly id: string;
      readonly description: Description;
      readonly sizeBytes: number;
    }
  | { readonly kind: "thumbnail"; readonly id: string; readonly webp: Uint8Array }
  | { readonly kind: "refused"; readonly id: string; readonly code: string; readonly message: string }
  /** The connection broke while this file was read. The file is not to blame. */
  | { readonly kind: "interrupted"; readonly id: string };
