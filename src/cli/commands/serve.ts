/** `godwit serve` */
import { chooseTargets } from "../../config/targets/targets.ts";
import { problemsOf } from "../../errors.ts";
import { serve } from "../../service/serve.ts";
import type { Answer, Invocation } from "../command.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const config = await invocation.config();
  const { flags, signal, say } = invocation;
  const names = config.values.target;
  const configs =
    config.targets === null
      ? [config]
      : chooseTargets(config, { names, flags, workingFolder: process.cwd(), folders: true });
  await serve({
    ...{ config, configs, signal, say },
    onListening: ({ url }) => say(`health is answered on ${url}`),
    onFailure: (error) => {
      for (const problem of problemsOf(error)) invocation.log().problem("warn", problem);
    },
  });
  return { json: {}, text: "", result: false };
}
