/** `godwit serve` about databases that cannot be reached, and about several of them. */
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { createDatabases } from "../support/databases.ts";
import { serving } from "../support/health.ts";
import { startProxy } from "../support/proxy.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";
