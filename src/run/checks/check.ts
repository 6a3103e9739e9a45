/** A look at the database or at the application. Before a run it decides whether the run begins; afterwards, whether it was good. */

/** `before`: only where something is pending. `after`: when everything is applied. */
export type CheckMoment = "before" | "after";

export type Check = {
  /** For messages. */
  readonly name: string;
  readonly when: CheckMoment;
  readonly timeoutMs: number;
} & (
  | {
      readonly kind: "sql";
      /** One statement. It passes with `true`, or with a row whose first column is no boolean. */
      readonly sql: string;
    }
  | {
      readonly kind: "command";
      /** The program and its words. No shell is between. It passes with exit code 0. */
      readonly command: readonly string[];
      readonly folder: string;
      readonly environment: Readonly<Record<string, string | undefined>>;
    }
  | {
      readonly kind: "url";
      /** Asked again and again until it answers 2xx. It may hold a password. */
      readonly url: string;
    }
);

/** Why a check did not pass. The name of the check is told by whoever runs it. */
export class CheckFault extends Error {
  /** What else helps to understand it, such as the last lines of a command. */
  readonly detail: string | undefined;

  constructor(message: string, detail?: string) {
    super(message);
    this.detail = detail;
  }
}
