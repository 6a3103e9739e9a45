/** Liquibase calls a changeset by its path, which depends on where it was started: told once, and the way out leads on. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { type Files, folderOf } from "../support/target.ts";

const changesets = (...ids: readonly number[]) =>
  `--liquibase formatted sql\n${ids.map((id) => `--changeset ann:${id}\ncreate table if not exists eff (n int); insert into eff values (${id});\n`).join("")}`;

async function appliedAs(db: TestDatabase, paths: readonly string[]) {
  const rows = paths
    .map((path, index) => `('${index + 1}', 'ann', '${path}', null, ${index + 1})`)
    .join(", ");
  await db.sql(`create table databasechangelog (id varchar(255), author varchar(255), filename varchar(255), md5sum varchar(35), orderexecuted int, dateexecuted timestamp default now());
    insert into databasechangelog (id, author, filename, md5sum, orderexecuted) values ${rows};
    create table eff (n int); insert into eff values ${paths.map((_, index) => `(${index + 1})`).join(", ")}`);
}

const ONE: Files = { ".git/HEAD": "", "db/changelog.sql": changesets(1, 2, 3) };
const RESOURCES = "src/main/resources/db/changelog";
const LIST = `databaseChangeLog:\n- include:\n    file: a.sql\n    relativeToChangelogFile: true\n- include:\n    file: b.sql\n    relativeToChangelogFile: true\n`;
const MANY: Files = {
  ".git/HEAD": "",
  [`${RESOURCES}/db.changelog-master.yaml`]: LIST,
  [`${RESOURCES}/a.sql`]: changesets(1),
  [`${RESOURCES}/b.sql`]: changesets(2, 3),
};
const manyAs = (front: string) => [`${front}a.sql`, `${front}b.sql`, `${front}b.sql`];

interface Case {
  readonly files: Files;
  readonly dir: string;
  readonly rows: readonly string[];
  readonly says: string;
  readonly settings?: readonly [file: string, text: string];
  readonly later?: string;
}

const CASES: readonly [string, Case][] = [
  [
    "below the folder it was started in",
    {
      ...{ files: ONE, dir: "db", rows: Array(3).fill("db/changelog.sql") },
      says: "`changeLogFile=db/changelog.sql`",
      settings: ["liquibase.properties", "changeLogFile=db/changelog.sql\n"],
    },
  ],
  [
    "on the classpath",
    {
      ...{ files: MANY, dir: RESOURCES, rows: manyAs("classpath:db/changelog/") },
      says: "`changeLogFile=db/changelog/<the root changelog>`",
      settings: [
        `${RESOURCES}/liquibase.properties`,
        "changeLogFile=db/changelog/db.changelog-master.yaml\n",
      ],
    },
  ],
  [
    "from the root of a Maven project",
    {
      ...{ files: MANY, dir: RESOURCES, rows: manyAs(`./${RESOURCES}/`) },
      says: `changeLogFile=${RESOURCES}/<the root changelog>`,
      settings: ["liquibase.properties", `changeLogFile=${RESOURCES}/db.changelog-master.yaml\n`],
    },
  ],
  [
    "without a root changelog",
    {
      files: { ".git/HEAD": "", "db/a.sql": changesets(1), "db/b.sql": changesets(2, 3) },
      ...{ dir: "db", rows: manyAs("db/"), says: "name with --dir the folder that these paths start from" },
      later: ".",
    },
  ],
  [
    "started in the folder itself",
    {
      ...{ files: ONE, dir: ".", rows: Array(3).fill("changelog.sql") },
      says: "name the folder db with --dir",
      later: "db",
    },
  ],
];

test.for(CASES)("%s", async ([, { files, dir, rows, says, settings, later = dir }], { db }) => {
  await appliedAs(db, rows);
  const folder = folderOf(files);
  const godwit = commandIn({ folder, url: db.url });
  const options = (at: string) => ["--layout", "liquibase", "--dir", at];
  for (const command of ["up", "plan", "adopt"]) {
    const { stderr } = await godwit.fails(1, command, ...options(dir));
    expect(stderr.match(/\[ADOPT_CONFLICT\]/g)).toHaveLength(1);
    expect(stderr).toContain(says);
  }
  if (settings !== undefined) writeFileSync(join(folder, settings[0]), settings[1]);
  await godwit("adopt", ...options(later));
  await godwit("up", ...options(later));
  expect(await db.sql("select n from eff")).toHaveLength(3);
});
