/**
 * The first process of a container must clear away the processes that others have left behind. Node can't: it waits only
 * for those that it has started itself. So the first process is tini, or our `godwit-init`, a few lines of sh.
 */
import type { Problem } from "../../errors.ts";

/** What to say where we are the first process ourselves. */
export function withoutInit(pid: number): Problem | null {
  if (pid !== 1) return null;
  return {
    code: "INIT_MISSING",
    message:
      "godwit run is process 1 of this container, and Node can't clear away processes that others leave behind: they stay as zombies.",
    hint: 'Begin the entry point with tini or with our own init: ENTRYPOINT ["godwit-init", "godwit", "run", "--"]. Or start the container with docker run --init.',
  };
}
