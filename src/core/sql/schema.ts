/** A schema that is made where it is missing. */
import { identifier, literal } from "./quote.ts";

/** `create schema if not exists` asks for the right to create one even where it exists. */
export function createSchema(name: string): string {
  const create = literal(`create schema ${identifier(name)}`);
  return `do $schema$ begin if to_regnamespace(${literal(identifier(name))}) is null then execute ${create}; end if; end $schema$`;
}
