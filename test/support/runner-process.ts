// A process of its own that runs `up` and tells its parent what happens. Arguments: JSON of ChildRun.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { PHASES } from "../../src/core/migration.ts";
import { parseAddress } from "../../src/database/address/address.ts";
import { openPostgres } from "../../src/database/wire/postgres.ts";
import { openLedger } from "../../src/ledger/ledger.ts";
import { migrate } from "../../src/run/migrate.ts";
import { openPlain } from "../../src/source/plain/plain.ts";
import type { ChildRun } from "./runner.ts";

const { url, folder, schema, pooling, settings } = JSON.parse(process.argv[2] ?? "") as ChildRun;
const address = parseAddress({ url, environment: {} });
const tell = (message: object) => process.send?.(message);
try {
  const report = await migrate(
    {
      name: "child",
      source: openPlain({ folder, cacheFolder: join(folder, ".cache") }),
      ledger: openLedger(schema),
      open: (options) => openPostgres(address, { ...options, pooling }),
      settings,
    },
    { goal: { direction: "up", to: "heads", phases: PHASES }, failure: "stop", outOfOrder: false },
    {
      runId: randomUUID(),
      host: "child-host",
      version: "0.0.0-test",
      gitCommit: null,
      signal: new AbortController().signal,
      observe: (event) => tell({ event: event.kind }),
    },
  );
  tell({ report });
} catch (error) {
  tell({ error: String(error) });
}
process.disconnect();
