/** The events of an import. */
import type { Problem } from "../errors.ts";
import type { Figures } from "./figures.ts";
import type { FileTrouble, ImportReport } from "./report.ts";

export type ImportEvent =
  | {
      readonly kind: "import-started";
      readonly import: string;
      readonly origin: string;
      readonly resumed: boolean;
    }
  | { readonly kind: "import-skipped"; readonly import: string; readonly problem: Problem }
  /** Sent a few times a second. */
  | { readonly kind: "import-progress"; readonly import: string; readonly figures: Figures }
  | {
      readonly kind: "import-batch-done";
      readonly import: string;
      readonly batch: number;
      readonly batches: number;
      readonly files: number;
      readonly bytes: number;
      readonly failed: number;
      readonly durationMs: number;
    }
  | { readonly kind: "import-trouble"; readonly import: string; readonly trouble: FileTrouble }
  | { readonly kind: "import-warning"; readonly import: string; readonly problem: Problem }
  | { readonly kind: "import-notice"; readonly import: string; readonly message: string }
  | { readonly kind: "import-finished"; readonly report: ImportReport };

export type ObserveImport = (event: ImportEvent) => void;
