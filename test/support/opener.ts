// A process that opens the embedded server, says so, and closes it when it is told to.

import { openEmbedded } from "../../src/database/embedded/embedded.ts";
import { NAMESPACE, NOBODY, SELF } from "../../src/database/embedded/identity.ts";

const [folder = "", name] = process.argv.slice(2);
const identity = [NAMESPACE, NOBODY, SELF].find((candidate) => candidate.name === name);
process.once("message", async () => {
  await embedded.close();
  process.send?.("closed");
  process.disconnect();
});
const embedded = await openEmbedded({ folder, identity, environment: process.env, log: () => {} });
process.send?.(embedded.url);
