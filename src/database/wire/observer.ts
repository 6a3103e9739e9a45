/**
 * A second connection that looks at the first one from outside: who holds the locks that it waits for, and whether its
 * session is still at work. It is opened when it is first needed, and again after it broke.
 */
import type { Client as PgClient } from "pg";
import type { Address } from "../address/address.ts";
import { blockersQuery, type Observed, withoutLiterals } from "../blockers.ts";
import type { Blocker } from "../connection.ts";
import { databaseError } from "./failure.ts";
import type { Sign } from "./heartbeat.ts";
import { connect, endQuietly } from "./link.ts";

export interface ObserverOptions {
  /** Of the observed connection. */
  readonly applicationName: string;
  /** Ends the attempt to connect. */
  readonly signal: AbortSignal;
}

const STATE_QUERY = `select state, (extract(epoch from clock_timestamp() - state_change) * 1000)::float8 as "forMs"
  from pg_stat_activity where pid = $1`;

export class Observer {
  readonly #address: Address;
  readonly #options: ObserverOptions;
  #client: Promise<PgClient> | undefined;

  constructor(address: Address, options: ObserverOptions) {
    this.#address = address;
    this.#options = options;
  }

  /** The sessions that hold what the observed one waits for. */
  async blockersOf(observed: Observed): Promise<readonly Blocker[]> {
    const client = await this.#open();
    const [text, key] = blockersQuery(observed);
    const { rows } = await client.query<Blocker>(text, [key]);
    return rows.map(withoutLiterals);
  }

  /**
   * What the observed session is doing. `pid` is null behind a pooler, and before the first answer. Then only
   * the server itself can be asked whether it answers. A login is enough for that.
   */
  async look(pid: number | null, quietMs: number): Promise<Sign> {
    const asked = this.#open();
    const unheard = setTimeout(() => {
      // This connection hangs as well, so the next look opens another one.
      if (this.#client === asked) this.#client = undefined;
      asked.then(endQuietly, () => {});
    }, quietMs);
    try {
      const client = await asked;
      if (pid === null) return "alive";
      const { rows } = await client.query<{ state: string | null; forMs: number }>(STATE_QUERY, [pid]);
      const [row] = rows;
      if (row === undefined) return "gone";
      return row.state?.startsWith("idle") && row.forMs > quietMs ? "idle" : "alive";
    } catch (error) {
      // A server that refuses is alive.
      return databaseError(error, "").sqlState === undefined ? "unheard" : "alive";
    } finally {
      clearTimeout(unheard);
    }
  }

  async close(): Promise<void> {
    await this.#client?.then(endQuietly, () => {});
  }

  #open(): Promise<PgClient> {
    if (this.#client !== undefined) return this.#client;
    const forget = () => {
      if (this.#client === opening) this.#client = undefined;
    };
    const opening = connect(this.#address, {
      applicationName: `${this.#options.applicationName} (observer)`,
      signal: this.#options.signal,
    }).then(({ client }) => {
      client.on("error", forget);
      client.on("end", forget);
      return client;
    });
    opening.catch(forget);
    this.#client = opening;
    return opening;
  }
}
