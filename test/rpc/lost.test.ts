/**
 * The second promise over HTTPS. Each request of a run is lost: before it took effect, after it, or it takes effect late, when
 * the run has gone on without it. And a run is killed at each request. Every time all is done in the end, once.
 */
import pg from "pg";
import { describe, inject } from "vitest";
import { endpointOf } from "../../src/database/rpc/endpoint.ts";
import { openRpc } from "../../src/database/rpc/rpc.ts";
import { GodwitError } from "../../src/errors.ts";
import type { Target } from "../../src/run/session/target.ts";
import { Secret } from "../../src/std/secret.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { everyPoint, openPlaces } from "../support/points.ts";
import { type Fault, installFunction, type Postgrest, startPostgrest } from "../support/postgrest.ts";
import { folderOf, sourceOf, targetOf, up } from "../support/target.ts";

/** None of them may take effect twice without being noticed. */
const FILES = {
  "0001_effects.sql": "create table effects (what text);\ninsert into effects values ('0001');",
  "0002_more.sql": "insert into effects values ('0002');",
  "0003_index.sql": "create index effects_what on effects (what);\ninsert into effects values ('0003');",
  "repeatable/overview.sql":
    "create or replace view overview as select count(*) as n from effects;\ninsert into effects values ('overview');",
};

type Loss = "before" | "after" | "late, while the run goes on" | "late, when the run is over";

describe("over HTTPS", () => {
  test("a request that is lost: the run goes on by itself, and no step takes effect twice", {
    timeout: 600_000,
  }, async () => {
    const arena = await openArena("rpc_lost");
    const calm = await arena.run("calm", async (api, target) => {
      await up(target);
      return api.requests.length;
    });
    const kinds: readonly Loss[] = [
      "before",
      "after",
      "late, while the run goes on",
      "late, when the run is over",
    ];
    const points = Array.from({ length: calm.result }, (_, n) =>
      kinds.map((kind) => ({ n: n + 1, kind })),
    ).flat();
    await everyPoint(points, async ({ n, kind }, lane) => {
      const { state } = await arena
        .run(
          `${n}_${kinds.indexOf(kind)}`,
          async (api, target) => {
            const [over, next] = [gate(), gate()];
            api.fault = (_, number): Fault => {
              if (number === n + 2) next.open();
              if (number !== n) return undefined;
              if (kind === "before" || kind === "after") return kind;
              return { late: kind === "late, when the run is over" ? over.opened : next.opened };
            };
            const { steps } = await up(target).finally(() => {
              over.open();
              next.open();
            });
            await api.settled();
            expect(steps.map(({ revision }) => revision)).toEqual(arena.revisions);
          },
          lane,
        )
        .catch((error) => {
          throw new Error(`request ${n} lost ${kind}: ${error.message}`, { cause: error });
        });
      expect(state, `request ${n} of ${calm.result}, ${kind}`).toEqual(calm.state);
    });
    console.info(`over HTTPS: ${points.length} points around ${calm.result} requests`);
  });

  test("a run that is killed at a request: the next one ends as if nothing had happened", {
    timeout: 600_000,
  }, async () => {
    const arena = await openArena("rpc_kill");
    const calm = await arena.run("calm", async (api, target) => {
      await up(target);
      return api.requests.length;
    });
    const points = Array.from({ length: calm.result }, (_, n) =>
      (["before", "after"] as const).map((kind) => ({ n: n + 1, kind })),
    ).flat();
    await everyPoint(points, async ({ n, kind }, lane) => {
      const { state } = await arena
        .run(
          `${n}_${kind}`,
          async (api, target, admin) => {
            // Nothing that a dead process would send arrives.
            api.fault = (_, number) => (number > n ? "before" : number === n ? kind : undefined);
            const settings = { ...target.settings, connectAttempts: 1 };
            await up({ ...target, settings }).catch((error) => {
              if (!(error instanceof GodwitError)) throw error;
            });
            await api.settled();
            api.fault = undefined;
            // Instead of waiting until the term of the dead holder is over.
            await admin(`do $$ begin if to_regclass('"${ledgerSchema}".migration_locks') is not null then
          delete from "${ledgerSchema}".migration_locks; end if; end $$`);
            await up(target);
          },
          lane,
        )
        .catch((error) => {
          throw new Error(`killed at request ${n}, ${kind}: ${error.message}`, { cause: error });
        });
      expect(state, `killed at request ${n} of ${calm.result}, ${kind}`).toEqual(calm.state);
    });
  });
});

function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

type Admin = (text: string) => Promise<unknown[]>;

/** A database of its own for each run, with the function in it, behind an API of its own. */
async function openArena(prefix: string) {
  const { port } = inject("postgres");
  const folder = folderOf(FILES);
  const sources = Array.from({ length: 4 }, () => sourceOf(folder));
  const places = await openPlaces(prefix, async (url) => {
    const [owner, superuser] = [await opened(url), await opened(url.replace(/\/\/[^@]*@/, "//postgres@"))];
    await installFunction({ admin: superuser.ask as never, sql: owner.ask as never });
    await Promise.all([owner.end(), superuser.end()]);
  });
  return {
    revisions: ["0001_effects", "0002_more", "0003_index", "overview"],
    async run<T>(name: string, use: (api: Postgrest, target: Target, admin: Admin) => Promise<T>, lane = 0) {
      const place = await places.place(name);
      const superuser = await opened(place.url.replace(/\/\/[^@]*@/, "//postgres@"));
      const api = await startPostgrest({
        admin: superuser.ask as never,
        port,
        name: new URL(place.url).pathname.slice(1),
      });
      let result: T;
      try {
        const source = sources[lane] as (typeof sources)[number];
        const target = targetOf({
          url: place.url,
          folder,
          source,
          settings: { connectAttempts: 10, connectDelayMs: 5 },
        });
        const names = { url: "URL", key: "KEY" };
        const endpoint = endpointOf({ url: api.url, key: new Secret(api.keys.service), names });
        result = await use(
          api,
          { ...target, open: ({ signal }) => openRpc(endpoint, { signal }) },
          superuser.ask,
        );
      } finally {
        await api[Symbol.asyncDispose]();
        await superuser.end();
      }
      return { result, state: await place.state() };
    },
  };
}

async function opened(url: string) {
  const client = new pg.Client(url);
  client.on("error", () => {}); // a test that fails drops the database below it
  await client.connect();
  const ask: Admin = async (text) => (await client.query(text)).rows;
  return { ask, end: () => client.end() };
}
