/** What `repair` may say of a revision, by where it stands: what makes no sense there is refused, and leaves no trace. */
import type { HistoryEntry } from "../core/history.ts";
import type { Migration } from "../core/migration.ts";
import type { Problem } from "../errors.ts";
import type { RecordedStatement } from "../ledger/ledger.ts";

export interface RepairSubject {
  readonly revision: string;
  readonly entry: HistoryEntry | undefined;
  readonly migration: Migration | undefined;
  /** Of the direction in which it stands half-way. */
  readonly statements: readonly RecordedStatement[];
  /** The rest of the ledger contradicts the history: a word of a person decides. */
  readonly contradicted: boolean;
  /** The history of another tool lacks its row. */
  readonly rowMissing: boolean;
  /** Rows are done by its backfill, and others are left. */
  readonly halfFilled: boolean;
}

export interface RepairQuestion {
  readonly kind: "accept" | "forget" | "mark-done" | "retry";
  readonly position: number | null;
}

/** Why not; `null`: it makes sense. */
export function refusedRepair(asked: RepairQuestion, subject: RepairSubject): Problem | null {
  const found = asked.position === null ? whole(asked, subject) : ofStatement(asked.position, asked, subject);
  if (found === null) return null;
  const { revision, entry, migration } = subject;
  return {
    code: "REPAIR_REFUSED",
    message: found.message,
    hint: `${found.hint} Nothing was changed.`,
    details: {
      revision,
      kind: asked.kind,
      state: entry?.state ?? "pending",
      hasFile: migration !== undefined,
    },
  };
}

type Reason = { readonly message: string; readonly hint: string };

function whole({ kind }: RepairQuestion, subject: RepairSubject): Reason | null {
  const { revision, entry, migration, contradicted, rowMissing, halfFilled } = subject;
  const isApplied = entry?.state === "applied";
  switch (kind) {
    case "accept":
      if (entry === undefined) return pending(revision, "there is no other text of it to put aside");
      // Whether the rows that are done may stay beside those of another text, only a person knows.
      if (!isApplied && !halfFilled) return halfWay(entry);
      if (migration === undefined)
        return {
          message: `${revision} has no file, so there is no text to accept.`,
          hint: `Restore the file, or let the ledger forget it: \`godwit repair --forget ${revision}\`.`,
        };
      if (migration.checksum !== entry.checksum) return null;
      return {
        message: `${migration.file} is not edited: the ledger has its present text.`,
        hint: "There is nothing to accept.",
      };
    case "forget":
      return entry !== undefined || contradicted ? null : pending(revision, "there is nothing to forget");
    case "mark-done":
      if (entry === undefined && migration === undefined)
        return {
          message: `${revision} has no file, so nothing says what is done.`,
          hint: `Restore the file, or let the ledger forget it: \`godwit repair --forget ${revision}\`.`,
        };
      if (!isApplied || contradicted || rowMissing) return null;
      return {
        message: `${revision} is applied already.`,
        hint:
          migration === undefined || migration.checksum === entry.checksum
            ? "There is nothing to mark."
            : `If its present text is what is in the database: \`godwit repair --accept ${revision}\`.`,
      };
    case "retry":
      if (entry === undefined) return pending(revision, "there is nothing to try again");
      if (!isApplied) return null;
      return {
        message: `${revision} is applied, and is not tried again.`,
        hint: `If what it did is not in the database any more: \`godwit repair --forget ${revision}\`.`,
      };
  }
}

function ofStatement(position: number, { kind }: RepairQuestion, subject: RepairSubject): Reason | null {
  const { revision, entry, statements } = subject;
  if (entry === undefined || entry.state === "applied")
    return {
      message: `${revision} is ${entry === undefined ? "pending" : "applied"}: none of its statements waits for a word.`,
      hint: `Of the whole of it, leave out :${position}.`,
    };
  const statement = statements.find((one) => one.position === position);
  if (statement?.state === "started") return null;
  const open = statements.filter(({ state }) => state === "started").map((one) => one.position);
  return {
    message:
      statement === undefined
        ? `Statement ${position} of ${revision} was never begun.`
        : `Statement ${position} of ${revision} is done already.`,
    hint:
      open.length === 0
        ? `None of its statements waits for a word. Of the whole of it: \`godwit repair --${kind} ${revision}\`.`
        : `What waits for a word: \`godwit repair --${kind} ${revision}:${open[0]}\`.`,
  };
}

function pending(revision: string, because: string): Reason {
  return { message: `${revision} is pending: ${because}.`, hint: "`godwit up` runs it." };
}

function halfWay({ revision, state }: HistoryEntry): Reason {
  return state === "reverting"
    ? { message: `${revision} stands half-way back.`, hint: "Complete that first: `godwit down -1`." }
    : { message: `${revision} stands half-way.`, hint: `Complete it first: \`godwit up ${revision}\`.` };
}
