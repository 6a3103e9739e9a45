/**
 * Logs in with the private key, then the password (requested directly or in a dialogue, as many NAS devices do), then
 * the agent. An agent may have many keys, and a server counts each as a failure. A method is tried once, and only if the
 * server offers it: some servers lock an address out after a few failures.
 */
import type { AnyAuthMethod, ConnectConfig, ParsedKey } from "ssh2";
import { ImportFailed } from "../../errors.ts";
import type { SftpSettings } from "../origin.ts";

type Ssh2 = typeof import("ssh2");

export interface Login {
  readonly authHandler: NonNullable<ConnectConfig["authHandler"]>;
  /** The error to report after the login failed. */
  refused(cause: unknown): ImportFailed;
}

export function prepareLogin({ utils }: Ssh2, settings: SftpSettings): Login {
  const { username, password, agent } = settings;
  const key = settings.privateKey === undefined ? undefined : parseKey(utils.parseKey, settings);
  const methods: { readonly name: string; readonly offered: string; readonly method: AnyAuthMethod }[] = [];
  if (key) {
    methods.push({
      name: "the private key",
      offered: "publickey",
      method: { type: "publickey", username, key },
    });
  }
  if (password !== undefined) {
    methods.push(
      { name: "the password", offered: "password", method: { type: "password", username, password } },
      {
        name: "the password (in a dialogue)",
        offered: "keyboard-interactive",
        method: { type: "keyboard-interactive", username, prompt: answerOnce(password) },
      },
    );
  }
  if (agent !== undefined) {
    methods.push({ name: "the agent", offered: "publickey", method: { type: "agent", username, agent } });
  }
  const tried: string[] = [];
  let offered: readonly string[] = [];
  let asked = false;
  return {
    authHandler(left, _partial, next) {
      if (!asked) {
        // The method "none" never works, but the server's answer lists its methods.
        asked = true;
        return next("none");
      }
      offered = left ?? [];
      const at = methods.findIndex((method) => offered.includes(method.offered));
      const [found] = at === -1 ? [] : methods.splice(0, at + 1).slice(-1);
      if (found === undefined) return next(false as never); // tells the library to give up
      tried.push(found.name);
      next(found.method);
    },
    refused: (cause) =>
      new ImportFailed(
        {
          code: "ORIGIN_LOGIN",
          message:
            `${settings.host}:${settings.port} does not let ${JSON.stringify(username)} in` +
            `${tried.length > 0 ? ` with ${tried.join(" or ")}` : ""}; ` +
            `it offers ${offered.length > 0 ? offered.join(", ") : "no way to log in"}.`,
          hint:
            tried.length > 0
              ? "Check the user name, the password or key, and that this user may use SSH and SFTP on the server."
              : "Give what the server asks for: a password (QNAP_PASSWORD), a private key, or an SSH agent.",
          details: { username, tried: [...tried], offered: [...offered] },
        },
        { cause },
      ),
  };
}

/**
 * Answers a dialogue once. If the server asks again, it rejected the answer; it gets no other, so that the dialogue
 * ends.
 */
function answerOnce(password: string) {
  let answered = false;
  return (
    _name: string,
    _instructions: string,
    _language: string,
    prompts: readonly { readonly echo?: boolean }[],
    finish: (answers: string[]) => void,
  ) => {
    const answer = answered ? "" : password;
    answered = true;
    // A field that is shown while you type is not a password.
    finish(prompts.map(({ echo }) => (echo ? "" : answer)));
  };
}

function parseKey(
  parse: Ssh2["utils"]["parseKey"],
  { privateKey = "", passphrase }: SftpSettings,
): ParsedKey {
  const found = parse(privateKey, passphrase) as ParsedKey | ParsedKey[] | Error;
  const key = Array.isArray(found) ? found[0] : found;
  if (key && !(key instanceof Error) && key.isPrivateKey()) return key;
  // The error is in our own words and has no cause: no part of the key may get into a log.
  const encrypted = /ENCRYPTED|Encryption: aes/.test(privateKey) || isEncryptedOpenssh(privateKey);
  const [why, hint] = !(key instanceof Error)
    ? ["what was given is a public key", "Give the file without .pub."]
    : encrypted && passphrase === undefined
      ? ["it is encrypted, and no passphrase was given", "Give its passphrase, or use an SSH agent."]
      : encrypted
        ? ["the passphrase does not open it", "Correct the passphrase, or use an SSH agent."]
        : [
            "it is no private key in a form that is understood",
            "Give the text of a private key (OpenSSH, PEM or PuTTY), whole, with its first and last line.",
          ];
  throw new ImportFailed({
    code: "ORIGIN_LOGIN",
    message: `The private key cannot be used: ${why}.`,
    hint,
  });
}

/** OpenSSH's own key format names its cipher after the magic word. It is `none` if there is no passphrase. */
function isEncryptedOpenssh(text: string): boolean {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)/.exec(text)?.[1];
  if (body === undefined) return false;
  const bytes = Buffer.from(body, "base64");
  const start = "openssh-key-v1\0".length;
  return bytes.length > start + 8 && bytes.toString("latin1", start + 4, start + 8) !== "none";
}
