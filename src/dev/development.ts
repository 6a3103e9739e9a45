/** Development on the embedded server: a database that follows the files. */
import { COPY, DATABASE, type DevServer, openDevServer } from "../assemble/dev.ts";
import { drop, dropLeftovers, emptyDatabase } from "../database/embedded/databases.ts";
import { ConfigError } from "../errors.ts";
import { type FolderState, nextChange, stateOf } from "./changes.ts";
import { type DevelopmentOptions, type Round, type Rounds, roundsOn } from "./rounds.ts";

export interface Development extends AsyncDisposable {
  readonly database: string;
  readonly directory: string;
  /** PostgreSQL's version: `18.4` */
  readonly version: string;
  /** With user and password. A server that was killed is started again, perhaps on another port. */
  url(): Promise<string>;
  /** Brings the database to what the files say. Throws a `GodwitError` like `up()`. */
  apply(): Promise<Omit<Round, "error">>;
  /** Makes the database anew and empty. `confirm` is its name. Throws `ConfigError` if it is another one. */
  reset(options: { readonly confirm: string }): Promise<void>;
  /**
   * Calls `apply()` now and after each change of the files, and `onRound` with what came of it. A failure does not end it.
   * `watch: false`: after the first round it only keeps the server up. Resolves when the signal aborts, and throws
   * `Interrupted` if that has cut a round short.
   */
  follow(onRound: (round: Round) => void, options?: { readonly watch?: boolean }): Promise<void>;
  /** Stops the server unless another process of Godwit uses it. Safe to call twice. */
  close(): Promise<void>;
}

/** Throws what `openDevServer` throws. */
export async function openDevelopment(options: DevelopmentOptions): Promise<Development> {
  const server = await openDevServer(options.config, options);
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= server.close();
    return closing;
  };
  try {
    await dropLeftovers(await server.databases(), [DATABASE, COPY]);
  } catch (error) {
    await close();
    throw error;
  }
  const rounds = roundsOn(server, options);
  return {
    database: DATABASE,
    directory: server.directory,
    version: server.version,
    url: server.reach,
    apply: rounds.apply,
    async reset({ confirm }) {
      if (confirm !== DATABASE) throw unconfirmed(confirm);
      const databases = await server.databases();
      await emptyDatabase(databases, DATABASE);
      await drop(databases, COPY);
    },
    follow: (onRound, { watch = true } = {}) => follow(server, { ...options, rounds, onRound, watch }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface FollowOptions extends DevelopmentOptions {
  readonly rounds: Rounds;
  readonly onRound: (round: Round) => void;
  readonly watch: boolean;
}

async function follow(server: DevServer, options: FollowOptions): Promise<void> {
  const { config, rounds, signal, onRound, watch, say } = options;
  // The state is read before the round, so a change during the round leads to another one.
  let seen: FolderState = await stateOf(config.folder);
  onRound(await rounds.attempt());
  for (;;) {
    const ends = AbortSignal.any([signal, server.lost()]);
    const change = await (watch ? nextChange(config.folder, { seen, signal: ends }) : aborted(ends)).catch(
      (error: unknown) => {
        if (!ends.aborted) throw error;
        return null;
      },
    );
    if (signal.aborted) return;
    if (change === null) {
      // The server was killed. It is the same database on the same port, if that is free.
      say(`The server is there again: port ${new URL(await server.reach()).port}.`);
      continue;
    }
    seen = change;
    onRound(await rounds.attempt());
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function unconfirmed(confirm: string): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `The database to make anew is "${DATABASE}", and "${confirm}" was confirmed. Nothing was changed.`,
    hint: `\`godwit dev --reset --confirm ${DATABASE}\` makes it anew.`,
  });
}
