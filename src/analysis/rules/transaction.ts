/** Whether a step runs in one transaction, as its statements need it. */

import { analyse } from "../../core/sql/analyse.ts";
import type { StatementKind } from "../../core/sql/classify.ts";
import { isTransactional } from "../../core/sql/classify.ts";
import { shownStatement } from "../../core/sql/shown.ts";
import type { ReadStatement } from "../script.ts";
import { eachStatement, type Rule } from "./rule.ts";

const shown = ({ text }: ReadStatement) => shownStatement(text.split(/\s+/, 3).join(" "), 40);

/** Needs to run by itself. Starting and ending transactions is refused elsewhere. */
function needsOutside(kind: StatementKind): boolean {
  return !isTransactional(kind) && kind.kind !== "transaction-control" && kind.kind !== "psql-command";
}

function countsAsOrdinary({ kind, tree }: ReadStatement): boolean {
  return isTransactional(kind) && tree.VariableSetStmt === undefined && tree.SelectStmt === undefined;
}

export const outsideInTransaction: Rule = {
  id: "outside-in-transaction",
  level: "error",
  what: "A statement that cannot run in a transaction stands in a file that asks for one.",
  why: "PostgreSQL refuses it, so the step fails each time.",
  safer: "Take `transaction=on` out of the file, or give the statement a migration of its own.",
  bad: {
    files: {
      "0001_index.sql": "-- godwit: transaction=on\ncreate index concurrently orders_day on orders (day);\n",
    },
  },
  good: { files: { "0001_index.sql": "create index concurrently orders_day on orders (day);\n" } },
  check: (script) =>
    script.settings.transaction === true
      ? eachStatement(script, (statement) =>
          needsOutside(statement.kind)
            ? `${shown(statement)} cannot run in a transaction, and the file asks for one.`
            : null,
        )
      : [],
};

export const mixedTransaction: Rule = {
  id: "mixed-transaction",
  level: "warning",
  what: "A statement that cannot run in a transaction shares a file with statements that can.",
  why: "Because of that one, each statement of the file is committed by itself. After a failure the first ones stay.",
  safer: "Give it a migration of its own, so that the others stay one transaction.",
  bad: {
    files: {
      "0001_day.sql":
        "alter table orders add column day date;\ncreate index concurrently orders_day on orders (day);\n",
    },
  },
  good: {
    files: {
      "0001_day.sql": "alter table orders add column day date;\n",
      "0002_index.sql": "create index concurrently orders_day on orders (day);\n",
    },
  },
  check: (script) => {
    if (script.settings.transaction !== undefined || script.ownTransactions) return [];
    const outside = script.statements.find(({ kind }) => needsOutside(kind));
    if (outside === undefined || !script.statements.some(countsAsOrdinary)) return [];
    return [
      {
        at: outside.start,
        message: `${shown(outside)} cannot run in a transaction, so no statement of this file does.`,
      },
    ];
  },
};

export const needlessNoTransaction: Rule = {
  id: "needless-no-transaction",
  level: "warning",
  what: "A file gives up its transaction, and no statement in it needs that.",
  why: "Each statement is committed by itself. After a failure the first ones stay.",
  safer: "Take `transaction=off` out, and the file is applied as a whole or not at all.",
  bad: {
    files: {
      "0001_day.sql":
        "-- godwit: transaction=off\nalter table orders add column day date;\nalter table orders add column hour int;\n",
    },
  },
  good: {
    files: {
      "0001_index.sql": "-- godwit: transaction=off\ncreate index concurrently orders_day on orders (day);\n",
    },
  },
  check: (script) => {
    const { settings, statements, text, migration } = script;
    if (settings.transaction !== false || migration.backfill !== undefined) return [];
    if (statements.filter(countsAsOrdinary).length < 2) return [];
    const isNeeded = statements.some(({ kind, unread }) => needsOutside(kind) || unread !== null);
    const [first] = statements;
    if (isNeeded || first === undefined || analyse(text).usesNewEnumValue !== null) return [];
    return [
      {
        at: first.start,
        message: `Every statement of this file can run in a transaction, and the file gives it up.`,
      },
    ];
  },
};

export const enumValueUsed: Rule = {
  id: "enum-value-used",
  level: "error",
  what: "An enum value is used in the transaction that adds it.",
  why: "PostgreSQL refuses a new value before the transaction that adds it is committed.",
  safer: "Use the value in the next migration.",
  bad: {
    files: {
      "0001_state.sql":
        "-- godwit: transaction=on\nalter type state add value 'paid';\nalter table orders alter column state set default 'paid';\n",
    },
  },
  good: {
    files: {
      "0001_state.sql": "alter type state add value 'paid';\n",
      "0002_default.sql": "alter table orders alter column state set default 'paid';\n",
    },
  },
  check: (script) => {
    const { text, transactional, statements } = script;
    if (!transactional) return [];
    const used = analyse(text).usesNewEnumValue;
    if (used === null) return [];
    const added = statements.find(({ kind }) => kind.kind === "add-enum-value");
    const value = added?.kind.kind === "add-enum-value" ? added.kind.value : "";
    return [{ at: used.start, message: `The value '${value}' is used in the transaction that adds it.` }];
  },
};

export const enumValueMixed: Rule = {
  id: "enum-value-mixed",
  level: "warning",
  what: "A file adds an enum value and uses it.",
  why: "One transaction cannot do both, so each statement of the file is committed by itself.",
  safer: "Use the value in the next migration.",
  bad: {
    files: {
      "0001_state.sql":
        "alter type state add value 'paid';\nalter table orders alter column state set default 'paid';\n",
    },
  },
  good: {
    files: {
      "0001_state.sql": "alter type state add value 'paid';\n",
      "0002_default.sql": "alter table orders alter column state set default 'paid';\n",
    },
  },
  check: (script) => {
    const used = script.transactional ? null : analyse(script.text).usesNewEnumValue;
    if (used === null || script.ownTransactions) return [];
    return [
      {
        at: used.start,
        message: "This statement uses the enum value that the file adds, so the file is no transaction.",
      },
    ];
  },
};
