/** A project of Alembic with a line of revisions, and the same migrations as SQL files of ours in `sql/`. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/fresh.mjs";
import { type Files, folderOf } from "./target.ts";

export function alembicProject(ids: readonly string[]): string {
  const files: Files = Object.fromEntries(
    ids.flatMap((id, index): [string, string][] => {
      const below = ids[index - 1];
      return [
        [
          `alembic/versions/${id}_made.py`,
          `from alembic import op\nrevision = "${id}"\ndown_revision = ${below === undefined ? "None" : `"${below}"`}\n` +
            `def upgrade():\n    op.execute("create table t_${id} (id int)")\ndef downgrade():\n    op.execute("drop table t_${id}")\n`,
        ],
        [`sql/${id}.sql`, `-- godwit: revises=${below ?? "none"}\ncreate table t_${id} (id int);\n`],
      ];
    }),
  );
  const folder = folderOf({
    "alembic.ini": "[alembic]\nscript_location = alembic\n",
    "alembic/script.py.mako": "",
    ...files,
  });
  cpSync(join(root, "test", "fixtures", "alembic"), join(folder, "alembic"), { recursive: true });
  return folder;
}
