/** The files of a target with several schemas: they are listed once for all of them. */
import type { Config } from "../config/config.ts";
import { shareListing } from "../source/shared.ts";
import type { Source } from "../source/source.ts";
import { assemble, decidedByHistory } from "./assemble.ts";
import { openSource, type SourceOptions } from "./source.ts";

/** Where the files fit several layouts, the first schema decides in which one tool has a history. */
export async function openSharedSource(
  config: Config,
  schemas: readonly Config[],
  options: SourceOptions,
): Promise<Source> {
  const { signal } = options;
  const decide = async (layouts: readonly string[]) => {
    for (const each of schemas.slice(0, MOST_ASKED)) {
      await using assembled = await assemble(each, { say: () => {}, signal });
      const layout = await decidedByHistory(assembled.target, layouts, { config: each, signal });
      if (layout !== null) return layout;
    }
    return null;
  };
  return shareListing(await openSource(config, { ...options, decide }));
}

/** Each costs a connection. New schemas have no history yet. */
const MOST_ASKED = 20;
