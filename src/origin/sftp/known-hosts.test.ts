import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fingerprintOf, judgeHostKey, typesOf } from "./host-keys.ts";
import { findKnownKeys } from "./known-hosts.ts";

const KEY_A = "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const KEY_B = "AAAAC3NzaC1lZDI1NTE5AAAAIBERERERERERERERERERERERERERERERERERERERERER";
const keysOf = (text: string, host: string, port = 22) =>
  findKnownKeys(text, host, port).accepted.map(({ key }) => key);

describe("a line counts for a host", () => {
  test.each([
    ["nas.local", "nas.local", 22, true],
    ["NAS.local", "nas.LOCAL", 22, true],
    ["nas.local", "other.local", 22, false],
    ["nas.local,10.0.0.7", "10.0.0.7", 22, true],
    ["[nas.local]:2222", "nas.local", 2222, true],
    ["[nas.local]:2222", "nas.local", 22, false],
    ["nas.local", "nas.local", 2222, false],
    ["[nas.local]:22", "nas.local", 22, true],
    ["*.local", "nas.local", 22, true],
    ["*", "anything", 22, true],
    ["n?s", "nas", 22, true],
    ["n?s", "naas", 22, false],
    ["*a*s*", "nas", 22, true],
    ["n*as*as", "nas", 22, false],
    ["*.local,!secret.local", "secret.local", 22, false],
    ["!secret.local,*.local", "secret.local", 22, false],
    ["!secret.local", "other.local", 22, false],
    ["fe80::1", "fe80::1", 22, true],
    ["nas", "nas.local", 22, false],
    ["nas.local", "nasxlocal", 22, false],
  ])("%s, asked for %s:%i: %s", (patterns, host, port, expected) => {
    expect(keysOf(`${patterns} ssh-ed25519 ${KEY_A} comment`, host, port)).toEqual(expected ? [KEY_A] : []);
  });
});

test("comments, blank lines and half lines are passed over, tabs and Windows line ends are not in the way", () => {
  const text = `# nas ssh-ed25519 ${KEY_B}\r\n\r\nnas ssh-ed25519\r\n  nas\tssh-ed25519\t${KEY_A}\r\n`;
  expect(keysOf(text, "nas")).toEqual([KEY_A]);
});

test("a revoked key is told apart, and one that signs certificates is left out", () => {
  const text = `@revoked * ssh-ed25519 ${KEY_B}\n@cert-authority nas ssh-ed25519 ${KEY_A}\nnas ssh-ed25519 ${KEY_A}`;
  expect(findKnownKeys(text, "nas", 22)).toEqual({
    accepted: [{ type: "ssh-ed25519", key: KEY_A }],
    revoked: [{ type: "ssh-ed25519", key: KEY_B }],
  });
});

test("a pattern of many stars is no way to keep us busy", () => {
  expect(keysOf(`${"*a".repeat(400)}b ssh-ed25519 ${KEY_A}`, "a".repeat(2000))).toEqual([]);
});

const withoutKeygen = spawnSync("ssh-keygen", ["-?"]).error !== undefined && "ssh-keygen is not installed";

describe.skipIf(withoutKeygen)("what ssh-keygen writes", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "godwit-known-hosts-"));
    for (const type of ["ed25519", "rsa", "ecdsa"]) {
      execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-f", join(folder, type)]);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const line = (type: string) => readFileSync(join(folder, `${type}.pub`), "utf8");
  const key = (type: string) => line(type).split(" ")[1] ?? "";

  test("hashed names are found, and only they", () => {
    const file = join(folder, "known_hosts");
    writeFileSync(
      file,
      `nas.local ${line("ed25519")}[nas.local]:2222 ${line("rsa")}10.0.0.7 ${line("ecdsa")}`,
    );
    execFileSync("ssh-keygen", ["-q", "-H", "-f", file], { stdio: "ignore" });
    const hashed = readFileSync(file, "utf8");
    expect(hashed).not.toContain("nas.local");
    expect(keysOf(hashed, "nas.local")).toEqual([key("ed25519")]);
    expect(keysOf(hashed, "NAS.local")).toEqual([key("ed25519")]);
    expect(keysOf(hashed, "nas.local", 2222)).toEqual([key("rsa")]);
    expect(keysOf(hashed, "10.0.0.7")).toEqual([key("ecdsa")]);
    expect(keysOf(hashed, "10.0.0.8")).toEqual([]);
  });

  test("fingerprints are those of ssh-keygen -l", () => {
    for (const type of ["ed25519", "rsa", "ecdsa"]) {
      const printed = execFileSync("ssh-keygen", ["-lf", join(folder, `${type}.pub`)], { encoding: "utf8" });
      expect(fingerprintOf(Buffer.from(key(type), "base64"))).toBe(printed.split(" ")[1]);
    }
  });

  describe("a host key is judged", () => {
    const host = { host: "nas", port: 22 };
    const none = { pinned: [], knownHosts: null, trustOnFirstUse: false };
    const judge = (type: string, policy: Partial<typeof none> | object) =>
      judgeHostKey(Buffer.from(key(type), "base64"), host, { ...none, ...policy });
    const codeOf = (verdict: ReturnType<typeof judge>) =>
      verdict.kind === "refused" ? verdict.error.code : verdict.kind;

    test("known by a pin, however it is written", () => {
      const pin = fingerprintOf(Buffer.from(key("ed25519"), "base64"));
      for (const pinned of [
        pin,
        pin.slice("SHA256:".length),
        `${pin}=`,
        ` ${pin} `,
        key("ed25519"),
        line("ed25519"),
        `ssh-ed25519 ${key("ed25519")}`,
      ]) {
        expect(codeOf(judge("ed25519", { pinned: [pinned] })), pinned).toBe("known");
        expect(codeOf(judge("rsa", { pinned: [pinned] })), pinned).toBe("ORIGIN_HOST_CHANGED");
        expect(codeOf(judge("rsa", { pinned: [pinned, key("rsa")] })), pinned).toBe("known");
      }
    });

    test("changed, with both fingerprints, though known_hosts has it, if a pin says otherwise", () => {
      const verdict = judge("rsa", { pinned: [key("ed25519")], knownHosts: `nas ${line("rsa")}` });
      const prints = ["rsa", "ed25519"].map((type) => fingerprintOf(Buffer.from(key(type), "base64")));
      expect(verdict).toMatchObject({ kind: "refused", error: { code: "ORIGIN_HOST_CHANGED" } });
      for (const print of prints)
        expect(verdict).toHaveProperty("error.message", expect.stringContaining(print));
    });

    test("known, changed or revoked by known_hosts", () => {
      expect(codeOf(judge("ed25519", { knownHosts: `nas ${line("ed25519")}` }))).toBe("known");
      expect(codeOf(judge("ed25519", { knownHosts: `nas ${line("rsa")}` }))).toBe("ORIGIN_HOST_CHANGED");
      expect(
        codeOf(
          judge("ed25519", {
            knownHosts: `nas ${line("ed25519")}@revoked * ${line("ed25519")}`,
            trustOnFirstUse: true,
          }),
        ),
      ).toBe("ORIGIN_HOST_CHANGED");
    });

    test("unknown, or trusted on first use; never in place of a key that is known", () => {
      expect(codeOf(judge("ed25519", {}))).toBe("ORIGIN_HOST_UNKNOWN");
      expect(codeOf(judge("ed25519", { knownHosts: `other ${line("ed25519")}` }))).toBe(
        "ORIGIN_HOST_UNKNOWN",
      );
      expect(judge("ed25519", { trustOnFirstUse: true })).toEqual({
        kind: "first",
        pin: fingerprintOf(Buffer.from(key("ed25519"), "base64")),
      });
      expect(codeOf(judge("ed25519", { knownHosts: `nas ${line("rsa")}`, trustOnFirstUse: true }))).toBe(
        "ORIGIN_HOST_CHANGED",
      );
    });

    test("by a type that is worth asking for, where one can be told", () => {
      expect(typesOf(host, { ...none, pinned: [line("rsa")] })).toEqual(["ssh-rsa"]);
      expect(typesOf(host, { ...none, pinned: [line("rsa"), "SHA256:abc"] })).toEqual([]);
      expect(typesOf(host, { ...none, knownHosts: `nas ${line("ecdsa")}nas ${line("rsa")}` })).toEqual([
        "ecdsa-sha2-nistp256",
        "ssh-rsa",
      ]);
    });
  });
});
