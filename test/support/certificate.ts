/** A certificate for `localhost` that nobody but its maker trusts. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

export function makeCertificate(
  folder: string,
  name = "server",
): { file: string; files: Record<string, Buffer> } {
  const [key, file] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
  execFileSync(
    "openssl",
    [
      ...["req", "-new", "-x509", "-days", "2", "-nodes", "-subj", "/CN=localhost"],
      ...["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", file],
    ],
    { stdio: "ignore" },
  );
  return { file, files: { "server.key": readFileSync(key), "server.crt": readFileSync(file) } };
}
