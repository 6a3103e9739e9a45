/** Which of several layouts a folder has, as the histories in the database say, where its files say it of several. */
import { TOOLS, toolsOf } from "../../tools/tools.ts";
import { connect, prepareSession } from "../session/connect.ts";
import type { RunContext, Target } from "../session/target.ts";
import { allHistories } from "./histories.ts";
import { isInPlace, readableOnly, whoseOf } from "./whose.ts";

/**
 * The layout whose tool has a history with rows in its usual place. `null`: there is none, or that of another one too. A
 * folder of our own layout has no tool, so no history speaks for it.
 */
export async function layoutByHistory(
  target: Target,
  layouts: readonly string[],
  context: RunContext,
): Promise<string | null> {
  const tools = new Set(layouts.flatMap(toolsOf));
  await using connection = await connect(target, context);
  await prepareSession(connection, target, context);
  const whose = readableOnly(whoseOf(target, [], true));
  const histories = await allHistories(connection, {
    schema: target.settings.schema ?? null,
    whose,
    except: TOOLS.filter((tool) => !tools.has(tool)),
  });
  const filled = histories.filter((one) => one.history.rows.length > 0 && isInPlace(one, whose));
  const found = layouts.filter((layout) => filled.some(({ tool }) => toolsOf(layout).includes(tool)));
  const [only, another] = found;
  return only === undefined || another !== undefined ? null : only;
}
