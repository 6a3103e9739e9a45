/** Getting in: who we are, who the server is, and every way in which that fails. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ImportFailed } from "../../src/errors.ts";
import { openOrigin } from "../../src/origin/open.ts";
import type { HostKeyPolicy, SftpSettings } from "../../src/origin/origin.ts";
import { fingerprint, makeKey, type Sshd, startSshd, withoutSshd, withoutUser } from "../support/sshd.ts";
import { until } from "../support/until.ts";

const { signal } = new AbortController();
const nobody: HostKeyPolicy = { pinned: [], knownHosts: null, trustOnFirstUse: false };

describe.skipIf(withoutSshd)(`against sshd${withoutSshd ? `: ${withoutSshd}` : ""}`, () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
    writeFileSync(join(sshd.folder, "file"), "hello");
  });
  afterAll(() => sshd.stop());

  /** Opens it, reads a file, and gives what was told meanwhile. */
  async function works(changes: Partial<SftpSettings> = {}, server: Sshd = sshd) {
    const trusted: string[] = [];
    const notices: string[] = [];
    const settings = server.settings(changes);
    await using origin = await openOrigin(settings, {
      signal,
      onTrusted: (pin) => trusted.push(pin),
      onNotice: (message) => notices.push(message),
    });
    const found = await origin.stat("file", { signal });
    expect((await origin.read("file", found, { signal })).toString()).toBe("hello");
    expect(origin.description).toBe(`sftp://${server.username}@127.0.0.1:${server.port}${server.folder}`);
    return { trusted, notices };
  }

  async function refused(changes: object, server: Sshd = sshd): Promise<ImportFailed> {
    const settings = { ...server.settings(), ...changes } as SftpSettings;
    const trusted: string[] = [];
    const error = await openOrigin(settings, { signal, onTrusted: (pin) => trusted.push(pin) }).then(
      () => {
        throw new Error("it was opened");
      },
      (error: ImportFailed) => error,
    );
    expect(trusted).toEqual([]);
    // Nothing that opens a door may be anywhere in it, its causes included.
    const printed = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error);
    for (const secret of [settings.password, settings.passphrase, settings.privateKey?.split("\n")[1]]) {
      if (secret) expect(printed).not.toContain(secret);
    }
    expect(error.hint).toBeTruthy();
    return error;
  }

  const password = { privateKey: undefined, password: "wrong, and very secret" };

  describe("who we are", () => {
    test("is proved by a private key", async () => {
      await works();
    });

    test.skipIf(withoutUser)("is proved by a password", async () => {
      await works({ ...without("privateKey"), password: sshd.password ?? "" });
    });

    test.skipIf(withoutUser)(
      "is proved by a password in a dialogue, where that is all there is",
      async () => {
        await using server = await startSshd({ pam: true, config: ["PasswordAuthentication no"] });
        writeFileSync(join(server.folder, "file"), "hello");
        await works({ ...without("privateKey"), password: server.password ?? "" }, server);
        const error = await refused(password, server);
        expect(error).toMatchObject({
          code: "ORIGIN_LOGIN",
          details: { tried: ["the password (in a dialogue)"] },
        });
      },
    );

    test("is proved by an agent", async () => {
      const socket = join(sshd.ownFolder, "agent");
      const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "ignore"] });
      try {
        await once(agent.stdout, "data");
        const key = join(sshd.ownFolder, "user");
        execFileSync("ssh-add", ["-q", key], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
        await works({ ...without("privateKey"), agent: socket });
      } finally {
        agent.kill();
        await once(agent, "exit");
      }
    });

    test("is proved by an encrypted key with its passphrase, in every form there is", async () => {
      for (const form of [[], ["-m", "PEM"], ["-m", "PKCS8"]]) {
        const path = join(sshd.ownFolder, `encrypted${form.join("")}`);
        execFileSync("ssh-keygen", [
          ...["-q", "-t", "rsa", "-b", "2048", "-N", "sesame opens", "-f", path],
          ...form,
        ]);
        execFileSync("sh", ["-c", `cat '${path}.pub' >> '${join(sshd.ownFolder, "user.pub")}'`]);
        const privateKey = readFileSync(path, "utf8");
        if (form.includes("PKCS8")) {
          // The library cannot read this form; it has to be said, not to fail as a login.
          const error = await refused({ privateKey, passphrase: "sesame opens" });
          expect(error.code).toBe("ORIGIN_LOGIN");
          continue;
        }
        await works({ privateKey, passphrase: "sesame opens" });
        const missing = await refused({ privateKey });
        expect(missing.message).toBe(
          "The private key cannot be used: it is encrypted, and no passphrase was given.",
        );
        const wrong = await refused({ privateKey, passphrase: "open sesame" });
        expect(wrong.message).toBe("The private key cannot be used: the passphrase does not open it.");
        expect([missing.code, wrong.code]).toEqual(["ORIGIN_LOGIN", "ORIGIN_LOGIN"]);
      }
    });

    test("is not believed: the methods tried and offered are named", async () => {
      const error = await refused(password);
      expect(error).toMatchObject({
        code: "ORIGIN_LOGIN",
        details: { tried: ["the password"], offered: ["publickey", "password"] },
      });
      makeKey(join(sshd.ownFolder, "stranger"), "ed25519");
      const privateKey = readFileSync(join(sshd.ownFolder, "stranger"), "utf8");
      expect(await refused({ privateKey })).toMatchObject({
        code: "ORIGIN_LOGIN",
        details: { tried: ["the private key"] },
      });
      expect(await refused({ username: "nobody-here" })).toMatchObject({ code: "ORIGIN_LOGIN" });
      expect((await refused({ privateKey: undefined })).message).toContain("it offers publickey, password");
      expect(await refused({ privateKey: undefined, agent: "/nowhere/agent" })).toMatchObject({
        code: "ORIGIN_LOGIN",
      });
    });

    test("is not proved by something that is no private key", async () => {
      const publicKey = readFileSync(join(sshd.ownFolder, "user.pub"), "utf8").split("\n")[0];
      for (const privateKey of ["", "hello", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", publicKey]) {
        const error = await refused({ privateKey });
        expect(error.code).toBe("ORIGIN_LOGIN");
        expect(error.message).toMatch(/^The private key cannot be used: /);
      }
    });

    test("a server that counts failures hangs up after the first", async () => {
      await using server = await startSshd({ config: ["MaxAuthTries 1"] });
      expect(await refused(password, server)).toMatchObject({ code: "ORIGIN_LOGIN" });
    });
  });

  describe("who the server is", () => {
    const hostKeys = (policy: Partial<HostKeyPolicy>) => ({ hostKeys: { ...nobody, ...policy } });

    test("a host that nobody has vouched for is refused before any secret is sent, with its fingerprint", async () => {
      const error = await refused({ ...password, ...hostKeys({}) });
      expect(error.code).toBe("ORIGIN_HOST_UNKNOWN");
      expect(error.message).toContain(sshd.hostKeyFingerprint);
      expect(error.hint).toContain(`hostKey: "${sshd.hostKeyFingerprint}"`);
      expect(error.hint).toContain(`ssh-keyscan -p ${sshd.port} 127.0.0.1`);
    });

    test("trust on first use tells the pin, with which it opens from then on", async () => {
      const { trusted } = await works(hostKeys({ trustOnFirstUse: true }));
      expect(trusted).toEqual([sshd.hostKeyFingerprint]);
      expect(await works(hostKeys({ pinned: trusted }))).toMatchObject({ trusted: [] });
    });

    test("a pin of any of its keys will do, though the server shows another first", async () => {
      await works(hostKeys({ pinned: [fingerprint(join(sshd.ownFolder, "host_rsa.pub"))] }));
      await works(hostKeys({ pinned: [readFileSync(join(sshd.ownFolder, "host_rsa.pub"), "utf8")] }));
      const error = await refused(
        hostKeys({ pinned: ["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] }),
      );
      expect(error.code).toBe("ORIGIN_HOST_CHANGED");
      expect(error.message).toContain(sshd.hostKeyFingerprint);
      expect(error.message).toContain("SHA256:AAAAAAAAAAAAA");
    });

    test("known_hosts is believed as ssh-keyscan writes it, plain or hashed, with one type or all", async () => {
      for (const flags of [[], ["-H"]]) {
        const scanned = execFileSync("ssh-keyscan", [...flags, "-p", String(sshd.port), "127.0.0.1"], {
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
        });
        expect(scanned.match(/ssh-/g)).toHaveLength(2);
        await works(hostKeys({ knownHosts: scanned }));
        await works(
          hostKeys({ knownHosts: scanned.split("\n").find((line) => line.includes("ssh-rsa")) ?? "" }),
        );
      }
    });

    test("another key than the one in known_hosts is refused, whatever is trusted on first use", async () => {
      makeKey(join(sshd.ownFolder, "other"), "ed25519");
      const other = readFileSync(join(sshd.ownFolder, "other.pub"), "utf8");
      const knownHosts = `[127.0.0.1]:${sshd.port} ${other}`;
      const error = await refused(hostKeys({ knownHosts, trustOnFirstUse: true }));
      expect(error.code).toBe("ORIGIN_HOST_CHANGED");
      expect(error.message).toContain(sshd.hostKeyFingerprint);
      expect(error.message).toContain(fingerprint(join(sshd.ownFolder, "other.pub")));
    });
  });

  describe("what the server can do", () => {
    test.each([
      ["chacha20 alone", ["Ciphers chacha20-poly1305@openssh.com"]],
      ["CTR with a separate MAC", ["Ciphers aes128-ctr", "MACs hmac-sha2-256"]],
      ["keys that are exchanged every megabyte", ["RekeyLimit 1M"]],
      ["compression", ["Compression yes"]],
      ["the SFTP program instead of the built-in one", ["Subsystem sftp /usr/lib/openssh/sftp-server"]],
    ])("%s", async (_, config) => {
      await using server = await startSshd({ config });
      writeFileSync(join(server.folder, "file"), "hello");
      await works({}, server);
      const big = Buffer.alloc(5_000_000, "godwit ");
      writeFileSync(join(server.folder, "big"), big);
      const hostKeys = { ...nobody, trustOnFirstUse: true };
      await using origin = await openOrigin(server.settings({ hostKeys }), { signal });
      const expected = await origin.stat("big", { signal });
      const reads = [1, 2, 3].map(() => origin.read("big", expected, { signal }));
      for (const bytes of await Promise.all(reads)) expect(bytes.equals(big)).toBe(true);
    });

    test.each([1, 2])("MaxSessions %i: the channels there are have to do", async (sessions) => {
      await using server = await startSshd({ config: [`MaxSessions ${sessions}`] });
      writeFileSync(join(server.folder, "file"), "hello");
      await using origin = await openOrigin(server.settings(), { signal });
      const expected = await origin.stat("file", { signal });
      const reads = Array.from({ length: 100 }, () => origin.read("file", expected, { signal }));
      for (const bytes of await Promise.all(reads)) expect(bytes.toString()).toBe("hello");
      expect(server.channels().length).toBe(sessions);
    });

    test("as many channels as are wanted, and never more than four", async () => {
      for (const [channels, expected] of [
        [1, 1],
        [3, 3],
        [50, 4],
      ] as const) {
        await using origin = await openOrigin(sshd.settings({ channels }), { signal });
        const found = await origin.stat("file", { signal });
        await Promise.all(Array.from({ length: 100 }, () => origin.read("file", found, { signal })));
        expect(sshd.channels().length).toBe(expected);
        await origin.close();
        await until(() => sshd.channels().length === 0, { what: "sshd to end its channels" });
      }
    });

    test("only SHA-1: refused with the way out, and open to those who take it", async () => {
      const config = ["KexAlgorithms diffie-hellman-group14-sha1", "HostKeyAlgorithms ssh-rsa"];
      await using server = await startSshd({ config });
      writeFileSync(join(server.folder, "file"), "hello");
      const hostKeys = { ...nobody, knownHosts: server.knownHosts };
      const error = await refused({ hostKeys }, server);
      expect(error).toMatchObject({ code: "ORIGIN_UNREACHABLE" });
      expect(error.hint).toContain("legacyAlgorithms");
      await works({ hostKeys, legacyAlgorithms: true }, server);
    });

    test("no SFTP: said as such", async () => {
      await using server = await startSshd({ config: ["Subsystem sftp /bin/false"] });
      expect(await refused({}, server)).toMatchObject({
        code: "ORIGIN_LOGIN",
        message: expect.stringContaining("not use SFTP"),
      });
    });
  });

  test.skipIf(withoutUser)("a base or a folder without permission is unreadable", async () => {
    mkdirSync(join(sshd.folder, "locked"));
    writeFileSync(join(sshd.folder, "secret"), "x");
    for (const name of ["locked", "secret"]) chmodSync(join(sshd.folder, name), 0o700);
    const error = await refused({ base: join(sshd.folder, "locked") });
    expect(error).toMatchObject({ code: "ORIGIN_BASE_UNREADABLE" });
    expect(error.message).toContain("permission denied");
    await using origin = await openOrigin(sshd.settings(), { signal });
    const found = await origin.stat("secret", { signal });
    await expect(origin.read("secret", found, { signal })).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
    const listing = origin.list("locked", { signal })[Symbol.asyncIterator]().next();
    await expect(listing).rejects.toMatchObject({ code: "ORIGIN_FOLDER_UNREADABLE" });
    expect(await origin.stat("file", { signal })).toMatchObject({ sizeBytes: 5 });
  });

  test("a signal ends the opening with its reason", async () => {
    const reason = new Error("enough");
    await expect(openOrigin(sshd.settings(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const stop = new AbortController();
    const opening = openOrigin(sshd.settings({ ...{ hostKeys: { ...nobody, trustOnFirstUse: true } } }), {
      signal: stop.signal,
      onTrusted: () => stop.abort(reason),
    });
    await expect(opening).rejects.toBe(reason);
  });
});

describe("where no SSH server is", () => {
  const settings = (port: number, changes: Partial<SftpSettings> = {}): SftpSettings => ({
    ...{ kind: "sftp", host: "127.0.0.1", port, username: "worker", base: "/share", password: "pass word" },
    ...{ hostKeys: nobody, operationTimeoutMs: 1000, connectTimeoutMs: 10_000, channels: 4 },
    ...{ legacyAlgorithms: false },
    ...changes,
  });

  test("a closed port and an unknown name are unreachable", async () => {
    const server = await listening(() => undefined);
    await server[Symbol.asyncDispose]();
    await expect(openOrigin(settings(server.port), { signal })).rejects.toMatchObject({
      code: "ORIGIN_UNREACHABLE",
      message: `127.0.0.1:${server.port} refuses connections.`,
    });
    await expect(openOrigin(settings(22, { host: "nas.invalid" }), { signal })).rejects.toMatchObject({
      code: "ORIGIN_UNREACHABLE",
    });
  });

  test("one that says nothing is given up after the time it has", async () => {
    await using server = await listening(() => undefined);
    await expect(
      openOrigin(settings(server.port, { connectTimeoutMs: 200 }), { signal }),
    ).rejects.toMatchObject({
      code: "ORIGIN_UNREACHABLE",
      message: `127.0.0.1:${server.port} did not answer within 200 ms (exchanging keys).`,
    });
  });

  test.each([
    ["hangs up", ""],
    ["speaks HTTP", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"],
    ["is too full", "Exceeded MaxStartups\r\n"],
    ["greets as SSH and then babbles", `SSH-2.0-OpenSSH_9.2\r\n${"\x7f\x01babble".repeat(1000)}`],
    ["speaks an ancient SSH", "SSH-1.5-Cisco-1.25\r\n"],
  ])("one that %s is unreachable", async (_, greeting) => {
    await using server = await listening((socket) => socket.end(greeting, "latin1"));
    await expect(openOrigin(settings(server.port), { signal })).rejects.toMatchObject({
      code: "ORIGIN_UNREACHABLE",
    });
  });
});

function without<Key extends keyof SftpSettings>(key: Key): Partial<SftpSettings> {
  return { [key]: undefined } as unknown as Partial<SftpSettings>;
}

async function listening(onSocket: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    onSocket(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
