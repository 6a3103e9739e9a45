/** `godwit doctor` */
import { type Diagnosis, diagnose } from "../../assemble/doctor.ts";
import type { Answer, Invocation } from "../command.ts";
import { withSession } from "../session.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const { say: print, signal, terminal } = invocation;
  const diagnosis = await diagnose(await invocation.config(), {
    given: "flags",
    print,
    signal,
    withTarget: (use) => withSession(invocation, (session) => use(session, session.context)),
  });
  const { settings, findings, healthy } = diagnosis;
  return {
    json: { settings, findings },
    text: textOf(diagnosis, terminal.paint),
    result: true,
    // Its first line is a setting.
    wholeOfSchema: true,
    exitCode: healthy ? 0 : 1,
  };
}

function textOf({ settings, findings }: Diagnosis, paint: Invocation["terminal"]["paint"]): string {
  const marks = { ok: paint("green", "✓"), warning: paint("yellow", "!"), problem: paint("red", "✗") };
  return [
    ...settings.map(({ key, value, from }) =>
      `${key.padEnd(18)} ${value}  ${paint("dim", from === "default" ? "" : `from ${from}`)}`.trimEnd(),
    ),
    "",
    ...findings.flatMap(({ subject, state, message, hint }) => [
      `${marks[state]} ${subject}: ${message}`,
      ...(hint === undefined ? [] : [`  ${paint("cyan", "→")} ${hint}`]),
    ]),
  ].join("\n");
}
