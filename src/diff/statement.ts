export interface DiffStatement {
  /** Without a semicolon. */
  readonly text: string;
  /** `own`: it takes effect only when its transaction has ended. `none`: it runs in no transaction. */
  readonly transaction: "any" | "own" | "none";
  readonly losesData: boolean;
}

/** One that runs in any transaction and keeps all data. */
export function harmless(text: string): DiffStatement {
  return { text, transaction: "any", losesData: false };
}
