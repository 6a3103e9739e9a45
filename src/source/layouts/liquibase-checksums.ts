/** The checksums of Liquibase for a changeset of SQL. */
import { createHash } from "node:crypto";

/** The values of `md5sum`: version 9 since Liquibase 4.22, version 8 before. The `${…}` of `sql` are filled in. */
export function checksumsOf(sql: string, attributes: ReadonlyMap<string, string>): readonly string[] {
  const md5 = (text: string) => createHash("md5").update(text, "utf8").digest("hex");
  const isOn = (name: string) => attributes.get(name)?.toLowerCase() !== "false";
  const flags = `${attributes.get("enddelimiter") ?? null}:${isOn("splitstatements")}:${isOn("stripcomments")}:`;
  const changes = [
    ["9", `9:${md5(sql.trim().replace(/[ \t\r\n]/g, ""))}`],
    [
      "8",
      `8:${md5(
        flags +
          sql
            .trim()
            .replace(/[ \t\r\n]+/g, " ")
            .trim(),
      )}`,
    ],
  ];
  return changes.map(([version, change]) => `${version}:${md5(`${change}:`)}`);
}
