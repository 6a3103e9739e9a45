/** What must hold of prepared steps before the first of them is carried out. */
import type { Direction } from "../../core/migration.ts";
import type { Connection } from "../../database/connection.ts";
import type { Problem } from "../../errors.ts";
import type { Target } from "../session/target.ts";
import { refuseUnkept } from "./backfill/undo.ts";
import { refuseBroken } from "./execute.ts";
import { refuseSessionNeeds } from "./needs-session.ts";
import { lockTimeoutWarnings } from "./own-lock-timeout.ts";
import type { Prepared } from "./prepared.ts";
import { refuseWithoutWayBack } from "./way-back.ts";

interface RunQuestion {
  readonly options: {
    readonly goal: { readonly direction: Direction };
    readonly failure: "stop" | "continue";
    readonly rollback?: boolean | undefined;
  };
  readonly there: Parameters<typeof refuseWithoutWayBack>[2];
}

/** Throws what refuses them, and returns what is to be said of them. */
export async function refuseUnfit(
  target: Target,
  connection: Connection,
  prepared: readonly Prepared[],
  { options, there }: RunQuestion,
): Promise<readonly Problem[]> {
  if (options.failure === "stop") refuseBroken(prepared);
  await refuseSessionNeeds(connection, prepared);
  if (options.goal.direction === "down") await refuseUnkept(target, connection, prepared);
  if (options.rollback === true) await refuseWithoutWayBack(target, prepared, there);
  return lockTimeoutWarnings(prepared, target.settings);
}
