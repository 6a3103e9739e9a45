/** `godwit build` */
import { resolve } from "node:path";
import { withSource } from "../../assemble/source.ts";
import { countOf } from "../../std/number.ts";
import type { Answer, Invocation } from "../command.ts";
import { asUnwritten } from "../files.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const config = await invocation.config();
  const { writeBundle } = await import("../../source/bundle/bundle.ts");
  const out = resolve(config.root, invocation.arguments[0] ?? "dist/migrations");
  const { say: print, signal } = invocation;
  const { cacheFolder, environment } = config;
  const options = { cacheFolder, environment, print, signal };
  const { migrations } = await withSource(config, options, async (source) => {
    const bundle = await writeBundle(source, out, options).catch((error) => {
      throw asUnwritten(out, error);
    });
    return bundle.list();
  });
  return {
    json: { folder: out, migrations: migrations.map(({ id }) => id) },
    text: `${countOf(migrations.length, "migration")} frozen into ${out}.\n→ \`godwit up --dir ${invocation.arguments[0] ?? "dist/migrations"}\``,
    result: false,
  };
}
