/** Numbered programs in another language, which lie among the migrations and which nobody here runs. They are named once a run. */
import { readdirSync } from "node:fs";
import type { Problem } from "../errors.ts";
import type { Source } from "./source.ts";

const PROGRAM = /^[VRvr]?\d[^/]*\.(?:py|rb|go|php|java|kt|cs|exs?|rs|pl)$/;
/** So many are named. */
const NAMED = 5;

/** The same source, whose listing says what it passes over. */
export function sayingPassedOver(source: Source): Source {
  const { apart } = source;
  return {
    ...source,
    list: async () => ({ ...(await source.list()), notes: passedOver(source.folder) }),
    ...(apart === undefined ? {} : { apart: () => sayingPassedOver(apart.call(source)) }),
  };
}

function passedOver(folder: string): readonly Problem[] {
  const names = readdirSync(folder)
    .filter((name) => PROGRAM.test(name))
    .sort();
  const [first] = names;
  if (first === undefined) return [];
  const shown = names.length > NAMED ? [...names.slice(0, NAMED), "…"] : names;
  const [them, are] = names.length === 1 ? ["it", "is"] : ["them", "are"];
  return [
    {
      code: "SOURCE_FILE_NAME",
      message: `${shown.join(", ")} ${are} passed over: Godwit runs SQL and TypeScript.`,
      hint: `If the database does not have what ${names.length === 1 ? "it does" : "they do"}, write ${them} as SQL or TypeScript; otherwise move ${them} out of the folder.`,
      place: { file: first },
    },
  ];
}
