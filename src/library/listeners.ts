/** The functions by which a program listens to its runs. What goes wrong in them never changes how a run ends. */
import { presentable } from "../std/secret.ts";
import { tolerant } from "../std/tolerant.ts";

export interface Listeners<Event extends readonly unknown[]> {
  readonly observe: (...event: Event) => void;
  readonly say: (line: string) => void;
}

export interface GivenListeners<Event extends readonly unknown[]> {
  readonly observe?: ((...event: Event) => unknown) | undefined;
  readonly say?: ((line: string) => unknown) | undefined;
}

/** The first failure of `observe` goes to `say`, that of `say` to the process's warnings. */
export function listenersOf<Event extends readonly unknown[]>(
  given: GivenListeners<Event>,
): Listeners<Event> {
  const warn = (line: string) => process.emitWarning(line, "GodwitWarning");
  const say = tolerant(given.say ?? (() => {}), (error) => warn(failureOf("say", error)));
  const tell = given.say === undefined ? warn : say;
  const observe = tolerant(given.observe ?? (() => {}), (error) => tell(failureOf("observe", error)));
  return { observe, say };
}

function failureOf(name: string, error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return `${name} failed: ${presentable(reason)}. The run goes on, and further failures of ${name} are not told.`;
}
