/** `godwit build` */
import { resolve } from "node:path";
import { openSource } from "../../assemble.ts";
import type { Answer, Invocation } from "../command.ts";
import { asUnwritten } from "../files.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const config = await invocation.config();
  const { writeBundle } = await import("../../source/bundle.ts");
  const out = resolve(config.root, invocation.arguments[0] ?? "dist/migrations");
  const source = await openSource(config);
  const bundle = await writeBundle(source, out, { cacheFolder: config.cacheFolder }).catch((error) => {
    throw asUnwritten(out, error);
  });
  const { migrations } = await bundle.list();
  return {
    json: { folder: out, migrations: migrations.map(({ id }) => id) },
    text: `${migrations.length} migrations frozen into ${out}.\n→ godwit up --dir ${invocation.arguments[0] ?? "dist/migrations"}`,
    result: false,
  };
}
