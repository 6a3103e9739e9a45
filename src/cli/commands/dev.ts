/** `godwit dev` */
import { relative } from "node:path";
import { DATABASE } from "../../assemble/dev.ts";
import { type Development, openDevelopment } from "../../dev/development.ts";
import type { Round } from "../../dev/rounds.ts";
import { ask } from "../ask.ts";
import type { Answer, Invocation } from "../command.ts";
import { problemsToTell } from "../output/problems.ts";
import { heldLines } from "./up.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const config = await invocation.config();
  const { flags, terminal, signal, say } = invocation;
  const observe: Invocation["observe"] = (event) => invocation.observe(event);
  const development = await openDevelopment({ config, say, observe, signal });
  try {
    if (flags.reset === true) await reset(invocation, development);
    await printAddress(invocation, development);
    const watch = flags.watch === true || (flags.once !== true && terminal.interactive);
    const folder = relative(process.cwd(), config.folder) || ".";
    const next = watch ? `Watching ${folder} for changes; Ctrl-C ends it.` : "Ctrl-C ends the server.";
    await development.follow((round) => tell(invocation, round, next), { watch });
  } catch (error) {
    // With --json the document is printed already.
    if (invocation.json)
      for (const problem of problemsToTell(error)) invocation.log().problem("error", problem);
    throw error;
  } finally {
    await development.close();
  }
  return { json: {}, text: "", result: false };
}

async function reset({ flags, ...invocation }: Invocation, development: Development): Promise<void> {
  const confirm =
    typeof flags.confirm === "string"
      ? flags.confirm
      : await ask(
          { flags, ...invocation },
          {
            text: `Make database "${DATABASE}" anew, without what is in it? Type its name to confirm: `,
            refusal: {
              message: "Without a terminal, godwit dev --reset needs the name of the database.",
              hint: `\`godwit dev --reset --confirm ${DATABASE}\` makes it anew.`,
            },
          },
        );
  await development.reset({ confirm });
  invocation.say(`Database "${DATABASE}" is made anew.`);
}

/** The address is what a person has asked for, so it is printed with its password. */
async function printAddress(
  { json, terminal, underWay }: Invocation,
  development: Development,
): Promise<void> {
  const url = await development.url();
  const { directory, version, database } = development;
  if (!json) return terminal.out(`DATABASE_URL=${url}\npsql ${url}\n`);
  const document = { ok: true, command: "dev", url, database, directory, version };
  if (underWay.claim()) terminal.out(`${JSON.stringify(document, null, 2)}\n`);
}

function tell(invocation: Invocation, round: Round, next: string): void {
  const { error, held, switchedOff } = round;
  const log = invocation.log();
  log.live("");
  if (error !== null) for (const problem of problemsToTell(error)) log.problem("error", problem);
  if (switchedOff !== null) log.write("warn", switchedOff);
  for (const line of heldLines(held)) log.write("info", line);
  log.write("info", [...doneIn(round), next].join(" "));
}

function doneIn({ error, applied, unwritten, switchedOff }: Round): readonly string[] {
  if (error !== null || switchedOff !== null) return [];
  const waiting = unwritten.map((file) => `Nothing is written in ${file} yet.`);
  if (applied.length === 0) return waiting.length > 0 ? waiting : ["Everything is applied."];
  return [...waiting, `${applied.length} ${applied.length === 1 ? "migration" : "migrations"} applied.`];
}
