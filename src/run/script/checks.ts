/** The checks of a run in a script for psql: the same statement, in a transaction that can't write. */
import { literal } from "../../core/sql/quote.ts";
import type { Check, CheckMoment } from "../checks/check.ts";
import type { Target } from "../session/target.ts";
import { comment, resetForPsql } from "./psql.ts";

/** SQL that raises where a check does not pass. Empty: there are none of this moment. */
export function scriptChecks(target: Target, checks: readonly Check[], when: CheckMoment): string {
  const blocks = checks.flatMap((check) =>
    check.kind === "sql" && check.when === when ? [blockOf(check)] : [],
  );
  return blocks.length === 0 ? "" : [resetForPsql(target, {}), ...blocks].join("\n");
}

/** A script runs no program and asks no URL. */
export function unrunChecks(checks: readonly Check[]): readonly string[] {
  return checks.flatMap(({ kind, name, when }) =>
    kind === "sql"
      ? []
      : [
          comment(
            `This script does not run the check "${name}" (${kind}), which \`godwit up\` runs ${when}.`,
          ),
        ],
  );
}

/** As `checks/sql-check.ts` judges: the first column of the first row is neither false nor null. JSON keeps the order of columns. */
function blockOf({ name, when, sql, timeoutMs }: Check & { kind: "sql" }): string {
  const title = `the check "${name}" ${when === "before" ? "must pass before a run, and did not" : "did not pass"}`;
  const end = when === "before" ? "No migration was begun." : "Everything above is applied.";
  const raised = (what: string) =>
    `raise exception using message = ${literal(`${title}: ${what}`)}, hint = ${literal(end)};`;
  const body = `
declare answer record; first text; answered boolean := false;
begin
  for answer in execute ${literal(sql)} loop
    select value::pg_catalog.text into first from pg_catalog.json_each(pg_catalog.row_to_json(answer)) limit 1;
    answered := true;
    exit;
  end loop;
  if not answered then ${raised("it returned no row")} end if;
  if first = 'false' then ${raised("it returned false")} end if;
  if first = 'null' then ${raised("it returned null")} end if;
end `;
  let tag = "$check$";
  while (body.includes(tag)) tag = `$c${tag.slice(1)}`;
  return [
    comment(`check ${when} the run: ${name}`),
    "begin;",
    `set local transaction_read_only = on; set local statement_timeout = ${timeoutMs};`,
    `do ${tag}${body}${tag};`,
    "commit;",
  ].join("\n");
}
