/**
 * A real OpenSSH server on a loopback port, with host keys of its own, for the length of a test.
 *
 * It runs in a mount namespace of its own, over which `/etc/passwd`, `/etc/shadow` and `/etc/pam.d/sshd` are
 * copies with one user more: `worker`, who has a password and few rights. The machine's own files stay as they
 * are. Where namespaces are not allowed (a container without CAP_SYS_ADMIN), the user is root with a key, and
 * what needs a password or an unreadable folder is skipped.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../src/database/embedded/cluster.ts";
import type { SftpSettings } from "../../src/origin/origin.ts";
import { asSecret, canary } from "./canaries.ts";
import { until } from "./until.ts";

const PROGRAM = "/usr/sbin/sshd";

/** Why there is no server; `false` where there is. */
export const withoutSshd: string | false = !existsSync(PROGRAM)
  ? "sshd is not installed (apt-get install openssh-server)"
  : process.getuid?.() !== 0
    ? "sshd serves several users only when root starts it"
    : false;

/** Why there is no user but root; `false` where there is one. */
export const withoutUser: string | false =
  withoutSshd ||
  (spawnSync("unshare", ["-m", "true"]).status === 0
    ? false
    : "this machine allows no mount namespace, in which a user with a password could be made");

export interface Sshd extends AsyncDisposable {
  readonly port: number;
  readonly username: string;
  /** An unencrypted private key that opens the account, as text. */
  readonly privateKey: string;
  /** `undefined` where there is only root, who has none. */
  readonly password: string | undefined;
  /** Of the ed25519 key: `SHA256:…`. */
  readonly hostKeyFingerprint: string;
  /** Both keys, as `ssh-keyscan` prints them. */
  readonly knownHosts: string;
  /** Empty, for the test to fill; anyone may read it. Removed with the server. */
  readonly folder: string;
  /** Keys and configuration; removed with the server. */
  readonly ownFolder: string;
  readonly pid: number;
  /** How to reach a folder with the key, the host pinned. */
  settings(changes?: Partial<SftpSettings>): SftpSettings;
  /** The processes that serve SFTP channels at present. */
  channels(): readonly number[];
  /** Ends it with all its connections, at once, and removes what was its own. */
  stop(): Promise<void>;
  /** Ends it with all its connections, at once; `start` starts it again at the same port, with the same keys. */
  halt(): Promise<void>;
  start(): Promise<void>;
  /** It keeps its connections and says nothing more, until `thaw`. */
  freeze(): void;
  thaw(): void;
}

export interface SshdOptions {
  /** Lines of `sshd_config` that come before all others, and so win. */
  readonly config?: readonly string[];
  /** Answers passwords by PAM, which asks for them in a dialogue (keyboard-interactive). */
  readonly pam?: boolean;
}

const USER = "worker";
const PASSWORD = asSecret("the password of the NAS", `corr3ct ${canary("a part of it")}: b@ttery`);

export async function startSshd({ config = [], pam = false }: SshdOptions = {}): Promise<Sshd> {
  const own = mkdtempSync(join(tmpdir(), "godwit-sshd-"));
  const folder = join(own, "nas");
  mkdirSync(folder);
  for (const path of [own, folder]) chmodSync(path, 0o755);
  mkdirSync("/run/sshd", { recursive: true });
  for (const type of ["ed25519", "rsa"]) makeKey(join(own, `host_${type}`), type);
  makeKey(join(own, "user"), "ed25519");
  const port = await freePort();
  const username = withoutUser ? "root" : USER;
  writeFileSync(
    join(own, "sshd_config"),
    [
      ...config,
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${join(own, "host_ed25519")}`,
      `HostKey ${join(own, "host_rsa")}`,
      `PidFile ${join(own, "pid")}`,
      `AuthorizedKeysFile ${join(own, "user.pub")}`,
      "StrictModes no",
      "PermitRootLogin yes",
      "PasswordAuthentication yes",
      `KbdInteractiveAuthentication ${pam ? "yes" : "no"}`,
      `UsePAM ${pam ? "yes" : "no"}`,
      "UseDNS no",
      "MaxStartups 100:30:200",
      ...(config.some((line) => line.startsWith("Subsystem")) ? [] : ["Subsystem sftp internal-sftp"]),
      "",
    ].join("\n"),
  );
  const launch = async () => {
    rmSync(join(own, "pid"), { force: true });
    const started = run(own, `${PROGRAM} -D -e -f ${join(own, "sshd_config")}`);
    const log = await listening(started, own);
    // The file is there before the number is in it, and 0 or less would mean whole groups of processes.
    const written = await until(
      () => existsSync(join(own, "pid")) && /^\d+(?=\n)/.exec(readFileSync(join(own, "pid"), "utf8"))?.[0],
      { what: `sshd to write its pid\n${log()}` },
    );
    return { child: started, pid: Number(written) };
  };
  let { child, pid } = await launch();

  const signal = (name: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return; // its number may be another's by now
    for (const one of family(pid)) sendSignal(one, name);
  };
  const halt = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    signal("SIGCONT");
    // Those at the end first: whoever started a process clears it away, and init may not.
    for (const one of family(pid).slice(1).reverse()) {
      sendSignal(one, "SIGKILL");
      await until(() => !existsSync(`/proc/${one}`), { withinMs: 2000 }).catch(() => undefined);
    }
    signal("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  };
  const stop = async () => {
    await halt();
    rmSync(own, { recursive: true, force: true });
  };
  const privateKey = readFileSync(join(own, "user"), "utf8");
  // Of its lines the first ones hold the public key as well.
  asSecret("the private key of the NAS", privateKey.trim().split("\n").at(-3) ?? "");
  const hostKeyFingerprint = fingerprint(join(own, "host_ed25519.pub"));
  return {
    port,
    username,
    privateKey,
    password: withoutUser ? undefined : PASSWORD,
    hostKeyFingerprint,
    knownHosts: ["ed25519", "rsa"]
      .map((type) => readFileSync(join(own, `host_${type}.pub`), "utf8").split(" "))
      .map(([type, key]) => `[127.0.0.1]:${port} ${type} ${key}\n`)
      .join(""),
    folder,
    ownFolder: own,
    get pid() {
      return pid;
    },
    settings: (changes = {}) => ({
      kind: "sftp",
      host: "127.0.0.1",
      port,
      username,
      base: folder,
      privateKey,
      hostKeys: { pinned: [hostKeyFingerprint], knownHosts: null, trustOnFirstUse: false },
      operationTimeoutMs: 20_000,
      connectTimeoutMs: 20_000,
      channels: 4,
      legacyAlgorithms: false,
      ...changes,
    }),
    channels: () => {
      const all = family(pid);
      // The process that forked nothing more is the one that serves.
      const parents = new Set(all.map(parentOf));
      return all.filter((one) => one !== pid && !parents.has(one));
    },
    halt,
    async start() {
      ({ child, pid } = await launch());
    },
    stop,
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    [Symbol.asyncDispose]: stop,
  };
}

/** Makes a key pair without a passphrase, or with one. */
export function makeKey(path: string, type: string, passphrase = ""): void {
  const size = type === "rsa" ? ["-b", "2048"] : [];
  execFileSync("ssh-keygen", ["-q", "-t", type, ...size, "-N", passphrase, "-C", "test", "-f", path]);
}

/** As `ssh-keygen -l` prints it. */
export function fingerprint(publicKeyFile: string): string {
  return execFileSync("ssh-keygen", ["-lf", publicKeyFile], { encoding: "utf8" }).split(" ")[1] ?? "";
}

function run(own: string, command: string): ChildProcess {
  let script = `exec ${command}`;
  if (!withoutUser) {
    const hash = execFileSync("openssl", ["passwd", "-6", "-stdin"], { input: PASSWORD, encoding: "utf8" });
    const copy = (from: string, line: string) =>
      writeFileSync(join(own, from), `${readFileSync(`/etc/${from}`, "utf8")}${line}\n`, { mode: 0o600 });
    copy("passwd", `${USER}:x:61234:65534::/:/bin/sh`);
    copy("shadow", `${USER}:${hash.trim()}:19000:0:99999:7:::`);
    chmodSync(join(own, "passwd"), 0o644);
    writeFileSync(join(own, "pam"), "auth required pam_unix.so\naccount required pam_unix.so\n");
    const mounts = ["passwd /etc/passwd", "shadow /etc/shadow", "pam /etc/pam.d/sshd"];
    script = `${mounts.map((pair) => `mount --bind ${own}/${pair} && `).join("")}${script}`;
  }
  const inside = withoutUser ? ["sh", "-c", script] : ["unshare", "-m", "sh", "-c", script];
  const [program, ...args] = inside;
  // Whoever started it may be killed: the watchdog then ends the server and removes its folder.
  return spawn(
    process.execPath,
    [
      join(import.meta.dirname, "watchdog.mjs"),
      "SIGTERM",
      own,
      JSON.stringify({ program, args, as: {}, keep: true }),
    ],
    { stdio: ["pipe", "ignore", "pipe"] },
  );
}

async function listening(child: ChildProcess, own: string): Promise<() => string> {
  let log = "";
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on("data", (chunk) => {
      log = (log + chunk).slice(-8192);
      if (/Server listening on/.test(log)) resolve();
    });
    child.once("exit", () => reject(new Error(`sshd did not start (${own}):\n${log}`)));
  });
  return () => log;
}

/** A process and all that come from it. */
function family(root: number): number[] {
  if (!Number.isInteger(root) || root <= 1) throw new Error(`${root} is no process of ours`);
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(Number(name));
    if (parent === undefined) continue;
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [root];
  for (let i = 0; i < found.length; i++) found.push(...(children.get(found[i] ?? 0) ?? []));
  return found;
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[1]);
  } catch {
    return undefined; // it has just ended
  }
}

function sendSignal(pid: number, name: NodeJS.Signals): void {
  if (!Number.isInteger(pid) || pid <= 1) throw new Error(`${pid} is no process of ours`);
  try {
    process.kill(pid, name);
  } catch {
    // it has just ended
  }
}
