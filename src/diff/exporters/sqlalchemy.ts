/** SQLAlchemy: the metadata of a Python module, through the project's Python. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Exporter } from "./exporter.ts";

/** A module that ends the program when it is imported, or when it is asked, has written nothing or a part. */
const END = "-- the end of the metadata";

/**
 * What is printed while the module is imported goes to stderr. `paramstyle` keeps SQLAlchemy from doubling percent signs. A mock
 * engine needs no driver.
 */
const PROGRAM = `
import os, sys
out = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
sys.stdout = sys.stderr
import importlib
from sqlalchemy import MetaData, create_mock_engine
module, _, path = sys.argv[1].partition(":")
found = importlib.import_module(module)
for name in path.split("."):
    found = getattr(found, name)
metadata = found if isinstance(found, MetaData) else found.metadata
def emit(statement, *_, **__):
    out.write(str(statement.compile(dialect=engine.dialect)).strip() + "\\n;\\n")
engine = create_mock_engine("postgresql://", emit, paramstyle="named")
for schema in sorted({table.schema for table in metadata.tables.values() if table.schema}):
    out.write("CREATE SCHEMA IF NOT EXISTS %s;\\n" % engine.dialect.identifier_preparer.quote_schema(schema))
metadata.create_all(engine, checkfirst=False)
out.write("${END}\\n")
out.close()
`;

export const sqlalchemy: Exporter = {
  name: "sqlalchemy",
  history: "alembic_version",
  end: END,
  command: (subject, { root, environment }) => ({
    words: [pythonOf(root, environment), "-c", PROGRAM, subject],
    folder: root,
    hint: "Name it as module:object, for example app.models:Base. PYTHON names the program that has SQLAlchemy.",
  }),
  words: (lines) => {
    const traceback = lines.findLastIndex((line) => line.startsWith("Traceback "));
    return lines.filter((line, at) => at > traceback && /^\S/.test(line)).slice(0, 1);
  },
};

/** `PYTHON`, that of the virtual environment, or the one in the path. */
function pythonOf(root: string, { PYTHON, VIRTUAL_ENV }: Readonly<Record<string, string | undefined>>) {
  if (PYTHON !== undefined && PYTHON !== "") return PYTHON;
  const homes = [VIRTUAL_ENV, join(root, ".venv"), join(root, "venv")];
  const places = homes.flatMap((home) =>
    home === undefined || home === ""
      ? []
      : [join(home, "bin", "python"), join(home, "Scripts", "python.exe")],
  );
  return places.find((place) => existsSync(place)) ?? (process.platform === "win32" ? "python" : "python3");
}
