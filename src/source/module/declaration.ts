/** What a TypeScript or JavaScript migration declares in addition to its functions. This file is pure. */
import type { Backfill } from "../../core/backfill.ts";
import { EXPECTATION_FORMS, type Expectation, parseExpectation } from "../../core/expectation.ts";
import { withRequired } from "../../core/gates.ts";
import { type MigrationSettings, PHASES, type Phase } from "../../core/migration.ts";
import type { Problem } from "../../errors.ts";
import { parseDurationMs } from "../../std/duration.ts";
import { nearest } from "../../std/nearest.ts";
import { IS_BACKFILL, readBackfill } from "./backfill.ts";

/** `up`/`upgrade` or `down`/`downgrade` of a module. */
export type ModuleFunction = (context: never) => unknown;

/** `rows` of a backfill: what it is handed of a window, and what is to be set. */
export type RowsFunction = (rows: readonly object[], context: never) => unknown;

export interface Declaration {
  /** `null`: a backfill, which has a statement or `rows` instead. */
  readonly up: ModuleFunction | null;
  readonly rows: RowsFunction | null;
  readonly backfill: Backfill | null;
  readonly down: ModuleFunction | null;
  readonly depends: readonly string[];
  readonly requires?: readonly string[] | undefined;
  readonly revises: readonly string[] | null;
  readonly phase: Phase | undefined;
  readonly settings: MigrationSettings;
  readonly problems: readonly Problem[];
}

type Values = Readonly<Record<string, unknown>>;

/**
 * Reads the namespace that `import()` returned: a default-exported object (`migration({...})`), or exported `up`/`down`
 * or `upgrade`/`downgrade`. `null` if the module has no way up.
 */
export function readDeclaration(namespace: Values, file: string): Declaration | null {
  const values = candidates(namespace).find((each) => isBackfill(each) || upOf(each) !== undefined);
  if (values === undefined) return null;
  const up = upOf(values);
  const filled = isBackfill(values) ? readBackfill(values, file) : null;
  const down = isFunction(values.down) ? "down" : isFunction(values.downgrade) ? "downgrade" : null;
  const check = checker(file);
  if (filled === null) check.misspelt(values);
  return {
    up: filled !== null || up === undefined ? null : method(values, up),
    rows: filled === null || !isFunction(values.rows) ? null : rowsOf(values),
    backfill: filled?.backfill ?? null,
    down: down && method(values, down),
    ...withRequired({
      depends: check.list(values, "depends") ?? [],
      requires: check.list(values, "requires") ?? [],
    }),
    revises: values.revises === "none" || values.revises === null ? [] : check.list(values, "revises"),
    phase: check.phase(values),
    settings: {
      transaction: check.boolean(values, "transaction"),
      lockTimeoutMs: check.duration(values, "lockTimeout"),
      statementTimeoutMs: check.duration(values, "statementTimeout"),
      rowSecurity: check.boolean(values, "rowSecurity"),
      outOfOrder: check.boolean(values, "outOfOrder"),
      minimumRevision: check.string(values, "minimumRevision"),
      idempotent: check.boolean(values, "idempotent"),
      expect: check.expect(values),
    },
    problems: [...(filled?.problems ?? []), ...check.problems],
  };
}

function isBackfill(values: Values): boolean {
  return values.kind === IS_BACKFILL && typeof values.table !== "undefined";
}

/** TypeScript compiled to CommonJS arrives as `{ default: { __esModule, default: {...} } }`. */
function candidates(namespace: Values): Values[] {
  const direct = namespace.default;
  const nested = isObject(direct) ? direct.default : undefined;
  return [nested, direct, namespace].filter(isObject);
}

const NAMES = [
  ...["up", "down", "upgrade", "downgrade", "depends", "revises", "phase", "transaction", "lockTimeout"],
  ...["statementTimeout", "rowSecurity", "outOfOrder", "minimumRevision", "idempotent", "expect", "requires"],
];

/** What Alembic calls it, by what it is called here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  down_revision: "revises",
  downRevision: "revises",
  depends_on: "depends",
  dependsOn: "depends",
};

function namedElsewhere(file: string, name: string, here: string): Problem {
  const base = here === "revises" ? ' For a base, which revises nothing: `revises = "none"`.' : "";
  return {
    code: "SOURCE_DIRECTIVE_UNKNOWN",
    message: `${file} declares \`${name}\`, which is called \`${here}\` here.`,
    hint: `Rename it to \`${here}\`; its value is the name of the other file without extension, or a list of such names.${base}`,
    place: { file },
  };
}

function upOf(values: Values): string | undefined {
  return ["up", "upgrade"].find((name) => isFunction(values[name]));
}

/** Calls it as a method, so that `this` is what the author expects. */
function method(values: Values, name: string): ModuleFunction {
  return (context) => (values[name] as ModuleFunction).call(values, context);
}

function rowsOf(values: Values): RowsFunction {
  return (rows, context) => (values.rows as RowsFunction).call(values, rows, context);
}

function checker(file: string) {
  const problems: Problem[] = [];
  const invalid = (name: string, expects: string): undefined => {
    problems.push({
      code: "SOURCE_DIRECTIVE_INVALID",
      message: `${file} declares \`${name}\` with a value that cannot be used.`,
      hint: `Expected: ${expects}.`,
      place: { file },
    });
  };
  return {
    problems,
    /**
     * Other exports belong to the author. One that resembles ours is reported, because it would have no effect and
     * nobody would notice.
     */
    misspelt(values: Values): void {
      for (const name of Object.keys(values)) {
        const here = ELSEWHERE[name];
        if (here !== undefined) problems.push(namedElsewhere(file, name, here));
        if (here !== undefined) continue;
        const meant = NAMES.includes(name) || isFunction(values[name]) ? undefined : nearest(name, NAMES);
        if (meant === undefined) continue;
        problems.push({
          code: "SOURCE_DIRECTIVE_UNKNOWN",
          message: `${file} declares \`${name}\`, which does not exist.`,
          hint: `Did you mean \`${meant}\`?`,
          place: { file },
        });
      }
    },
    list(values: Values, name: string): readonly string[] | null {
      const value = values[name];
      if (value === undefined) return null;
      const list: unknown[] = Array.isArray(value) ? value : [value];
      if (list.every((each) => typeof each === "string" && each !== ""))
        return [...new Set(list as string[])];
      return invalid(name, "the id of a migration, or a list of ids") ?? null;
    },
    phase(values: Values): Phase | undefined {
      const phase = PHASES.find((each) => each === values.phase);
      return phase ?? (values.phase === undefined ? undefined : invalid("phase", PHASES.join(", ")));
    },
    expect(values: Values): readonly Expectation[] | undefined {
      if (values.expect === undefined) return undefined;
      const written: unknown[] = Array.isArray(values.expect) ? values.expect : [values.expect];
      const read = written.map((each) => (typeof each === "string" ? parseExpectation(each) : null));
      const known = read.filter((each) => each !== null);
      return known.length === read.length ? known : invalid("expect", EXPECTATION_FORMS);
    },
    boolean(values: Values, name: string): boolean | undefined {
      const value = values[name];
      return value === undefined || typeof value === "boolean" ? value : invalid(name, "true or false");
    },
    string(values: Values, name: string): string | undefined {
      const value = values[name];
      return value === undefined || typeof value === "string"
        ? value
        : invalid(name, "the id of a migration");
    },
    duration(values: Values, name: string): number | undefined {
      const value = values[name];
      if (value === undefined) return undefined;
      const milliseconds = typeof value === "string" ? parseDurationMs(value) : null;
      return milliseconds ?? invalid(name, 'a duration such as "500ms", "3s", "2min" or "none"');
    },
  };
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

function isObject(value: unknown): value is Values {
  return typeof value === "object" && value !== null;
}
