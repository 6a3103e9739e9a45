/** Tables of ours that are made by whoever first needs them. */
import { dollarBlock } from "./dollar-block.ts";
import { identifier, literal, quotedName } from "./quote.ts";

/**
 * Makes a table unless it is there. Where it is, nothing is created: event triggers hear of each `CREATE TABLE IF NOT EXISTS`,
 * and may refuse it or have others read the schema again.
 */
export function createTable(schema: string, table: string, columns: string): string {
  const there = `pg_catalog.to_regclass(${literal(`${quotedName(schema)}.${quotedName(table)}`)})`;
  return dollarBlock(`if ${there} is null then
create table if not exists ${identifier(schema)}.${identifier(table)} (${columns});
end if;`);
}
