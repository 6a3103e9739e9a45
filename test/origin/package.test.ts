/** The package that speaks SSH: optional, and slower without the part that is built on the machine. */
import { execFileSync } from "node:child_process";
import Module from "node:module";
import { expect, test, vi } from "vitest";
import { openOrigin } from "../../src/origin/open.ts";
import { startSshd, withoutSshd } from "../support/sshd.ts";

const { signal } = new AbortController();

test.skipIf(withoutSshd)("without its native part it works, and says so once", async () => {
  // Here, before the package is loaded for the first time in this process.
  const loader = Module as unknown as { _load: (request: string, ...rest: unknown[]) => unknown };
  const load = loader._load;
  loader._load = (request, ...rest) => {
    if (request.endsWith("sshcrypto.node")) throw new Error("Cannot find module");
    return load.call(Module, request, ...rest);
  };
  try {
    await using sshd = await startSshd();
    const notices: string[] = [];
    await using origin = await openOrigin(sshd.settings(), {
      signal,
      onNotice: (text) => notices.push(text),
    });
    execFileSync("sh", ["-c", `head -c 3000001 /dev/urandom > ${sshd.folder}/file`]);
    const found = await origin.stat("file", { signal });
    expect(await origin.read("file", found, { signal })).toHaveLength(3_000_001);
    expect(notices).toEqual([expect.stringContaining("plain JavaScript, about half as fast")]);
    expect(notices[0]).toContain("npm rebuild ssh2");
  } finally {
    loader._load = load;
  }
});

test("where it is not installed, the command that installs it is the hint", async () => {
  vi.doMock("ssh2", () => {
    throw new Error("Cannot find package 'ssh2'");
  });
  const opening = openOrigin(
    {
      ...{ kind: "sftp", host: "127.0.0.1", port: 1, username: "worker", base: "/", password: "secret" },
      ...{ hostKeys: { pinned: [], knownHosts: null, trustOnFirstUse: false }, channels: 1 },
      ...{ operationTimeoutMs: 1000, connectTimeoutMs: 1000, legacyAlgorithms: false },
    },
    { signal },
  );
  await expect(opening).rejects.toMatchObject({ code: "ORIGIN_PACKAGE_MISSING", hint: "npm install ssh2" });
});
