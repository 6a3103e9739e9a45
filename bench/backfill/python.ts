/** The loop that SYSTEMS 2 gives its authors, with one thing mended: it pages by the last key, not by OFFSET. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const PYTHON = "/usr/bin/python3";

/** A thousand rows are read, and written one by one; each thousand is committed, so that it may be ended. */
const LOOP = `import sys, psycopg2
connection = psycopg2.connect(sys.argv[1])
last = 0
while True:
    cursor = connection.cursor()
    cursor.execute("select id, name from products where id > %s and slug is null order by id limit 1000", (last,))
    rows = cursor.fetchall()
    if not rows:
        break
    for id, name in rows:
        cursor.execute("update products set slug = %s where id = %s", (f"{name.lower()}-{id}", id))
    connection.commit()
    last = rows[-1][0]
`;

/** The command that runs it. `null`: Python or psycopg2 is missing. */
export function loopInPython(url: string, folder: string): readonly [string, ...string[]] | null {
  if (spawnSync(PYTHON, ["-c", "import psycopg2"]).status !== 0) return null;
  const path = join(folder, "loop.py");
  writeFileSync(path, LOOP);
  return [PYTHON, path, url];
}
