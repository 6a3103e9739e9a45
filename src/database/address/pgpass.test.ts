import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseAddress } from "./address.ts";
import { findPassword, lookUpPassword } from "./pgpass.ts";

const wanted = { host: "h", port: 5432, database: "d", user: "u" };

test.each([
  ["h:5432:d:u:secret", "secret"],
  ["# h:5432:d:u:no\nother:5432:d:u:no\nh:5432:d:u:first\nh:*:*:*:second", "first"],
  ["*:*:*:*:any\r\n", "any"],
  ["h:5432:d:u:with\\:colon\\\\slash", "with:colon\\slash"],
  ["h:5432:d:u:trailing:rest", "trailing"],
  ["h:5433:d:u:no\n\nh:5432:d", undefined],
  ["h:5432:\\*:u:no", undefined],
])("%j gives %s", (text, expected) => {
  expect(findPassword(text, wanted)).toBe(expected);
});

test("the default socket is localhost", () => {
  expect(findPassword("localhost:*:*:*:x", { ...wanted, host: "/tmp" })).toBe("x");
});

test("a file that others may read is ignored, and says so", async () => {
  const homeFolder = await mkdtemp(join(tmpdir(), "godwit-pgpass-"));
  const address = parseAddress({ url: "postgres://u@h/d", environment: {} });
  const lookUp = () => lookUpPassword(address, { homeFolder, host: address.hosts[0] });
  try {
    expect(await lookUp()).toEqual({ password: undefined });
    await writeFile(join(homeFolder, ".pgpass"), "h:*:*:u:secret", { mode: 0o600 });
    expect((await lookUp()).password?.reveal()).toBe("secret");
    await chmod(join(homeFolder, ".pgpass"), 0o640);
    const refused = await lookUp();
    expect(refused.password).toBeUndefined();
    expect(refused.warning?.hint).toMatch(/chmod 600/);
  } finally {
    await rm(homeFolder, { recursive: true });
  }
});
