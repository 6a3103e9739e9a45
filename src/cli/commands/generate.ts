/** `godwit new --autogenerate` */
import { diffOf } from "../../assemble/diff.ts";
import type { Config } from "../../config/config.ts";
import { PlanRefused } from "../../errors.ts";
import type { GeneratedMigration } from "../../source/plain/generated.ts";
import type { Answer, Invocation } from "../command.ts";
import { cautionsOf, givenBy } from "./diff.ts";

export interface NewFile {
  readonly id: string;
  readonly path: string;
  /** As it is printed. */
  readonly shown: string;
  readonly revises: readonly string[] | null;
  readonly write: (content: GeneratedMigration) => void;
}

export async function generate(
  { flags, say, signal }: Invocation,
  config: Config,
  { id, path, shown, revises, write }: NewFile,
): Promise<Answer> {
  const report = await diffOf(config, givenBy(flags), { say, signal });
  const { statements, back, transaction, losses, backLosses, notes, provenOn } = report;
  const { failsOnRows, backFailsOnRows } = report;
  if (statements.length === 0)
    return {
      json: { revision: null, file: null, notes },
      text: ["The migrations make the desired schema already: nothing was written.", ...notes].join("\n"),
      result: true,
    };
  const [first, ...more] = losses;
  if (first !== undefined && flags.allowDataLoss !== true)
    throw new PlanRefused([
      {
        code: "DIFF_LOSES_DATA",
        message: `The migration would lose data: ${[first, ...more].join("; ")}`,
        hint: "Say --allow-data-loss if that is meant. A rename is told: -- renamed from old_name in the desired schema, or --rename old_name=new_name",
        details: { losses },
      },
    ]);
  const text = ({ text }: { readonly text: string }) => text;
  const cautions = cautionsOf(report);
  write({ up: statements.map(text), down: back.map(text), transaction, cautions });
  return {
    json: {
      ...{ revision: id, file: path, revises, statements: statements.map(text) },
      ...{ losses, backLosses, failsOnRows, backFailsOnRows, notes, provenOn },
    },
    text: [
      shown,
      ...cautions.up,
      ...cautions.down.map((words) => `Its way back ${words.charAt(0).toLowerCase()}${words.slice(1)}`),
      ...notes,
    ].join("\n"),
    result: true,
  };
}
