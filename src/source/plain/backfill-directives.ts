/** The directives that only a backfill has. They stand behind the word `backfill`, on its line or a later one. */
import {
  DEFAULT_WINDOWS,
  parseParallel,
  parseRows,
  parseTargetMs,
  type Windows,
} from "../../core/backfill.ts";
import {
  BACKFILL_OPTIONS,
  type BackfillOption,
  type BackfillOptions,
  DEFAULT_OPTIONS,
  idleOptions,
  withOption,
} from "../../core/backfill-options.ts";

export interface BackfillDraft {
  table?: string;
  key?: readonly string[];
  where?: string;
  windows: Windows;
  parallel?: number;
  options: BackfillOptions;
}

/** What a value must look like, and the function that reads it. The function returns `false` for any other value. */
interface BackfillKey {
  readonly expects: string;
  keep(backfill: BackfillDraft, value: string): boolean;
}

export const NEW_BACKFILL: BackfillDraft = { windows: DEFAULT_WINDOWS, options: DEFAULT_OPTIONS };

export const BACKFILL_KEYS: Readonly<Record<string, BackfillKey>> = {
  table: {
    expects: "the name of a table, as in SQL",
    keep: (backfill, value) => {
      backfill.table = value;
      return true;
    },
  },
  key: {
    expects: "the columns of a unique index, separated by commas",
    keep: (backfill, value) => {
      backfill.key = value
        .split(",")
        .map((name) => name.replace(/^"(.+)"$/, (_, quoted: string) => quoted.replaceAll('""', '"')));
      return !backfill.key.includes("");
    },
  },
  window: {
    expects: "how long one window should take: 500ms, 2s; a minute at most",
    keep: (backfill, value) => {
      const targetMs = parseTargetMs(value);
      if (targetMs !== null) backfill.windows = { ...backfill.windows, targetMs };
      return targetMs !== null;
    },
  },
  parallel: {
    expects: "how many windows run at once, from 1 to 32",
    keep: (backfill, value) => {
      const parallel = parseParallel(value);
      if (parallel !== null) backfill.parallel = parallel;
      return parallel !== null;
    },
  },
  "min-rows": rows("minRows"),
  "max-rows": rows("maxRows"),
  ...Object.fromEntries(
    BACKFILL_OPTIONS.filter(({ isLine }) => isLine !== true).map((option) => [
      option.header,
      ofOption(option),
    ]),
  ),
};

/** `where …` and `probe …`: SQL up to the end of the line, and of the lines that go on with the same word. */
export function keepLine(backfill: BackfillDraft, word: string, sql: string): void {
  if (word === "where") {
    backfill.where = backfill.where === undefined ? sql : `${backfill.where} ${sql}`;
    return;
  }
  const before = backfill.options.probe;
  backfill.options = { ...backfill.options, probe: before === null ? sql : `${before} ${sql}` };
}

/** What is wrong with the options together: the name of each, and why. */
export function backfillFaults(
  options: BackfillOptions,
  isSeen: (header: string) => boolean,
): readonly (readonly [name: string, why: string])[] {
  const probe = BACKFILL_OPTIONS.find(({ key }) => key === "probe");
  const isGiven = ({ key, header }: BackfillOption) =>
    key === "probe" ? options.probe !== null : isSeen(header);
  const unread =
    probe !== undefined && options.probe !== null && probe.read(options.probe) === undefined
      ? [["probe", `is not ${probe.expects}`] as const]
      : [];
  return [
    ...unread,
    ...idleOptions(options, isGiven).map(({ option, why }) => [option.header, why] as const),
  ];
}

function rows(setting: "minRows" | "maxRows"): BackfillKey {
  return {
    expects: "a number of rows",
    keep: (backfill, value) => {
      const number = parseRows(value);
      if (number !== null) backfill.windows = { ...backfill.windows, [setting]: number };
      return number !== null;
    },
  };
}

function ofOption(option: (typeof BACKFILL_OPTIONS)[number]): BackfillKey {
  return {
    expects: option.expects,
    keep: (backfill, value) => {
      const options = withOption(backfill.options, option, value);
      if (options !== null) backfill.options = options;
      return options !== null;
    },
  };
}
