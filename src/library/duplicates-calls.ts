/** The calls of a migrator about duplicates among its images. */
import type { FindOptions } from "../duplicates/find.ts";
import type { Import } from "../run/import.ts";
import type { RunContext } from "../run/session/target.ts";
import type { Opened } from "./loaded.ts";
import type { Migrator } from "./migrator-interface.ts";

type Call = <T>(work: (opened: Opened, context: RunContext) => Promise<T>) => Promise<T>;

export function duplicatesCalls(
  { read, decide }: { readonly read: Call; readonly decide: Call },
  imports: (opened: Opened) => () => Promise<readonly Import[]>,
): Pick<Migrator, "duplicates" | "contactSheet" | "decide"> {
  return {
    async duplicates(options = {}) {
      await checkFind(options, "duplicates()");
      return read(async ({ assembled }, context) => {
        const { listDuplicates } = await import("../run/duplicates.ts");
        return (await listDuplicates(assembled.target, options, context)).duplicates;
      });
    },
    async contactSheet(options = {}) {
      await checkFind(options, "contactSheet()");
      return read(async (opened, context) => {
        const { contactSheet } = await import("../run/duplicates.ts");
        const wanted = {
          ...{ ...options, imports: await imports(opened)() },
          targetName: opened.settings.target?.name,
        };
        return contactSheet(opened.assembled.target, wanted, context);
      });
    },
    async decide(decision) {
      const { checkGiven, FILE, FILES, oneOf } = await import("../config/given.ts");
      const keys = { kind: oneOf("distinct", "keep", "forget"), file: FILE, files: FILES, others: FILES };
      checkGiven(decision, { name: "decide()", keys, required: ["kind"] });
      const named = decision.kind === "keep" ? "file" : "files";
      checkGiven(decision, { name: "decide()", keys, required: [named] });
      return decide(async ({ assembled }, context) => {
        const { decideDuplicates } = await import("../run/duplicates.ts");
        return decideDuplicates(assembled.target, decision, context);
      });
    },
  };
}

async function checkFind(options: FindOptions, name: string): Promise<void> {
  const { checkGiven, COUNT, NUMBER, OBJECT, SWITCH, TEXTS } = await import("../config/given.ts");
  const keys = { limits: OBJECT, limit: COUNT, offset: COUNT, kinds: TEXTS, settled: SWITCH };
  checkGiven(options, { name, keys });
  const limits = { radius: NUMBER, same256: NUMBER, review256: NUMBER };
  checkGiven(options.limits ?? {}, { name: `limits of ${name}`, keys: limits });
}
