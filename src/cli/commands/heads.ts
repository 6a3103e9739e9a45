/** `godwit heads` */
import { withSource } from "../../assemble/source.ts";
import { headsOf } from "../../core/heads.ts";
import type { Answer, Invocation } from "../command.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const config = await invocation.config();
  const { say: print, signal } = invocation;
  const { migrations } = await withSource(config, { print, signal }, (source) => source.list());
  const heads = headsOf(migrations, config.values.order);
  const hint = heads.length > 1 ? ["→ Join them: `godwit merge`"] : [];
  const text = [...heads, ...hint].join("\n");
  return { json: { heads }, text, result: true, wholeOfSchema: heads.length > 1 };
}
