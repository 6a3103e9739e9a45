/** The law of `same.test.ts` for webhooks: both doors tell the same, keep the same, and send it again alike. */
import { down, up, webhooks } from "../support/acts.ts";
import { test } from "../support/database.ts";
import { throughBothDoors } from "../support/doors.ts";
import { startReceiver } from "../support/receiver.ts";

test("what nobody has taken is kept, listed, sent again and forgotten alike", async ({ db }) => {
  // Two runs through each of two doors, two messages each; then the same once more.
  const receiver = await startReceiver(...Array.from({ length: 16 }, () => 404), 204);
  await throughBothDoors(db, {
    files: { "0001_a.sql": "-- migrate:up\ncreate table a ();\n-- migrate:down\ndrop table a;" },
    config: { webhooks: [{ url: receiver.url, name: "ops" }] },
    scenes: [
      webhooks(),
      up(),
      down("-1"),
      webhooks(),
      webhooks("retry"),
      webhooks("retry"),
      up(),
      webhooks("forget"),
    ],
  });
});
