/** The waivers of all files, and which of them took something out. */
import type { LintFinding } from "./finding.ts";
import { type Lines, linesOf } from "./lines.ts";
import { moduleWaiversOf, type Waiver, waiversOf } from "./waivers.ts";

interface Placed {
  readonly file: string;
  readonly waiver: Waiver;
  readonly lines: Lines;
  /** The rules that have taken something out. */
  readonly used: Set<string>;
}

const FEW_LINES = 200;

export class Waived {
  readonly #files = new Map<string, readonly Placed[]>();
  /** By file and line, for those of a few lines. */
  readonly #byLine = new Map<string, Placed[]>();
  /** By file. */
  readonly #wide = new Map<string, Placed[]>();

  /** `firstLine`: the line of the file on which the text starts. */
  addSql(file: string, text: string, firstLine: number): void {
    const moved = waiversOf(text).map((waiver) => ({
      ...waiver,
      from: waiver.from === 1 ? 1 : waiver.from + firstLine - 1,
      to: waiver.to + firstLine - 1,
    }));
    this.#add(file, moved, linesOf(text, firstLine), firstLine > 1);
  }

  addModule(file: string, text: string): void {
    this.#add(file, moduleWaiversOf(text), linesOf(text, 1), false);
  }

  /** Of a file that is read in parts, those of each part. */
  #add(file: string, waivers: readonly Waiver[], lines: Lines, isPart: boolean): void {
    const known = this.#files.get(file);
    if (known !== undefined && !isPart) return;
    const added = waivers.map((waiver) => ({ file, waiver, lines, used: new Set<string>() }));
    this.#files.set(file, [...(known ?? []), ...added]);
    for (const each of added) {
      const { from, to } = each.waiver;
      if (to - from > FEW_LINES) push(this.#wide, file, each);
      else for (let line = from; line <= to; line++) push(this.#byLine, `${line} ${file}`, each);
    }
  }

  /** Whether the file has any. */
  has(file: string): boolean {
    return (this.#files.get(file) ?? []).length > 0;
  }

  /** Whether a waiver with a reason takes the finding out. */
  takes({ file, rule, line }: LintFinding): boolean {
    let isTaken = false;
    const near = this.#byLine.get(`${line} ${file}`) ?? [];
    for (const { waiver, used } of [...near, ...(this.#wide.get(file) ?? [])]) {
      if (waiver.reason === "" || !waiver.rules.includes(rule)) continue;
      if (line < waiver.from || line > waiver.to) continue;
      used.add(rule);
      isTaken = true;
    }
    return isTaken;
  }

  /** What is wrong with the waivers themselves. */
  remarks(isRule: (id: string) => boolean): readonly Omit<LintFinding, "level">[] {
    return [...this.#files.values()].flat().flatMap(({ file, waiver, lines, used }) => {
      const place = lines.at(waiver.at);
      const remark = (rule: string, message: string, hint: string) => ({
        ...{ rule, message, hint, revision: null, direction: null, file },
        ...{ ...place, endLine: place.line },
      });
      if (waiver.reason === "")
        return [
          remark(
            "waiver-reason",
            "The waiver gives no reason, and counts for nothing.",
            `Write -- godwit: lint-ignore=${waiver.rules.join(",")} reason="why it does no harm here"`,
          ),
        ];
      return waiver.rules.flatMap((rule) => {
        if (!isRule(rule))
          return [
            remark(
              "waiver-unknown",
              `There is no rule "${rule}".`,
              "`godwit lint --rules` lists all of them.",
            ),
          ];
        return used.has(rule)
          ? []
          : [remark("waiver-unused", `Nothing is found that ${rule} would say here.`, "Remove the waiver.")];
      });
    });
  }
}

function push<Key>(map: Map<Key, Placed[]>, key: Key, placed: Placed): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [placed]);
  else known.push(placed);
}
