/**
 * The function in the database that carries out what a request holds. `godwit init --supabase` writes this text.
 *
 * PostgREST calls it, and each call is one transaction. The function runs the statements of a request in order. It answers with
 * their rows, or raises the error of the first that fails: then nothing of the request is kept.
 *
 *  - It is `security definer`: the statements run as its owner, which is `postgres` on Supabase. Only `service_role` may call it.
 *  - Its own statements run with a fixed search_path. The first given statement runs with that of the owner's sessions. Each later
 *    one runs with the search_path that the statement before it has left.
 *  - `statement_timeout` is shorter than the 60 seconds after which the API gives up. PostgREST sets it before it calls the function.
 *    So a request that takes too long is rolled back and answered, instead of going on without anybody who waits for it.
 *  - A composite value as text holds each column as the server writes it. With the types the client reads the same values as over
 *    a database connection.
 */

/** The function's name, as PostgREST has it in its path. */
export const FUNCTION = "exec_sql";

/** Rises with each change of the function. A client refuses a function that is not of its version. */
export const FUNCTION_VERSION = 1;

/** The function's `statement_timeout`. */
export const FUNCTION_SECONDS = 55;

/** One statement of a request. */
export interface FunctionRequest {
  readonly sql: string;
  /**
   * `prepared`: rows, with their types. `rows`: rows of a statement that cannot be prepared. `call`: a prepared statement without
   * rows. Otherwise the rows are discarded.
   */
  readonly as?: "prepared" | "rows" | "call";
  /** The parameters of a prepared statement, as literals. */
  readonly values?: string;
  /** What the statement takes and gives, instead of running it. */
  readonly describe?: true;
}

/** What one statement answered. */
export interface Answered {
  /** The numbers of the types of the columns. `null`: the server is older than 16, and does not tell. */
  readonly types?: readonly number[] | null;
  readonly takes?: readonly number[] | null;
  readonly names?: readonly string[] | null;
  /** Each row as the text of a composite value. */
  readonly rows?: readonly string[];
  /** The same as JSON, where the types are not known. */
  readonly json?: readonly Readonly<Record<string, unknown>>[] | null;
  readonly count?: number | null;
}

export interface Answer {
  readonly version: number;
  readonly results: readonly Answered[];
}

/** In the `details` of an error of a statement, as JSON. */
export interface FailureDetail {
  readonly godwit: number;
  /** How many statements had succeeded. */
  readonly completed: number;
  readonly detail: string;
  readonly context: string;
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  readonly constraint: string;
}

const PREPARED = "godwit_exec_sql";

/** The whole text, to be run by the owner of the database once. */
export function functionSql(): string {
  return `-- Godwit reaches the database through this function where only HTTPS is open to it. Run it once as postgres, in the SQL editor
-- for instance. Whoever may call it may do everything in this database, so nobody may but the service role.
create or replace function public.${FUNCTION}(statements jsonb)
returns jsonb
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
-- The API gives up after 60 s. The database must not go on alone.
set statement_timeout = '${FUNCTION_SECONDS}s'
as $godwit$
declare
  version constant integer := ${FUNCTION_VERSION};
  path text;
  one jsonb;
  sql text;
  how text;
  values_given text;
  describes boolean;
  call text;
  told jsonb;
  takes oid[];
  types oid[];
  names text[];
  lines text[];
  objects jsonb[];
  line record;
  counted bigint;
  completed integer := 0;
  results jsonb[] := '{}';
  state text;
  said text;
  detail text;
  hint text;
  context text;
  of_schema text;
  of_table text;
  of_column text;
  of_constraint text;
begin
  -- What a session of the owner begins with.
  select substr(setting, 13) into path
    from pg_db_role_setting s, unnest(s.setconfig) as setting
    where s.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database()))
      and s.setrole in (0, (select r.oid from pg_roles r where r.rolname = current_user))
      and setting like 'search\\_path=%'
    order by s.setrole = 0, s.setdatabase = 0 limit 1;
  path := coalesce(path, '"$user", public');
  -- Not a query: a statement may close all cursors.
  foreach one in array array(select value from jsonb_array_elements(statements)) loop
    sql := one ->> 'sql';
    how := coalesce(one ->> 'as', '');
    values_given := one ->> 'values';
    describes := one ? 'describe';
    takes := null; types := null; names := null; lines := null; objects := null; counted := null;
    if how in ('prepared', 'call') or describes then
      if exists (select from pg_prepared_statements p where p.name = '${PREPARED}') then
        deallocate ${PREPARED};
      end if;
      sql := 'prepare ${PREPARED} as ' || sql;
      call := 'execute ${PREPARED}' || coalesce('(' || values_given || ')', '');
      perform set_config('search_path', path, true);
      execute sql;
      -- result_types is a column from PostgreSQL 16 on.
      select p.parameter_types::pg_catalog.oid[], pg_catalog.to_jsonb(p) operator(pg_catalog.->) 'result_types'
        into takes, told
        from pg_catalog.pg_prepared_statements p where p.name operator(pg_catalog.=) '${PREPARED}';
      if pg_catalog.jsonb_typeof(told) operator(pg_catalog.=) 'array' then
        types := array(select t.name::pg_catalog.regtype::pg_catalog.oid
          from pg_catalog.jsonb_array_elements_text(told) with ordinality as t (name, place) order by t.place);
      elsif how operator(pg_catalog.=) 'prepared' then
        -- An older server tells the columns of a table that it makes for them. The table is rolled back, the variable is not.
        begin
          execute pg_catalog.format('create temporary table ${PREPARED}_types as %s with no data', call);
          types := array(select a.atttypid from pg_catalog.pg_attribute a
            where a.attrelid operator(pg_catalog.=) 'pg_temp.${PREPARED}_types'::pg_catalog.regclass
              and a.attnum operator(pg_catalog.>) 0::pg_catalog.int2 order by a.attnum);
          raise exception using errcode = 'GW003';
        exception when others then
          null;
        end;
      end if;
    else
      call := sql;
      perform set_config('search_path', path, true);
    end if;
    -- From here to the next set_config every name is written with its schema.
    if describes then
      null;
    elsif how operator(pg_catalog.=) 'prepared' or how operator(pg_catalog.=) 'rows' then
      lines := '{}'; objects := '{}';
      for line in execute call loop
        lines := pg_catalog.array_append(lines, line::pg_catalog.text);
        if types is null then
          objects := pg_catalog.array_append(objects, pg_catalog.to_jsonb(line));
        end if;
        if names is null then
          names := array(select pg_catalog.json_object_keys(pg_catalog.row_to_json(line)));
        end if;
      end loop;
      counted := pg_catalog.cardinality(lines);
    else
      execute call;
      get diagnostics counted = row_count;
    end if;
    if takes is not null then
      deallocate ${PREPARED};
    end if;
    -- The path that the statement leaves is the next one's.
    path := pg_catalog.current_setting('search_path');
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    completed := completed + 1;
    results := array_append(results, jsonb_strip_nulls(jsonb_build_object('takes', takes, 'types', types,
      'names', names, 'rows', lines, 'count', counted))
      || case when objects <> '{}' then jsonb_build_object('json', objects) else '{}' end);
  end loop;
  return jsonb_build_object('version', version, 'results', results);
exception when others then
  get stacked diagnostics state = returned_sqlstate, said = message_text, detail = pg_exception_detail,
    hint = pg_exception_hint, context = pg_exception_context, of_schema = schema_name, of_table = table_name,
    of_column = column_name, of_constraint = constraint_name;
  -- Raised again, so that PostgREST rolls the transaction back and answers with the error's own status.
  raise exception using errcode = state, message = said, hint = hint, detail = pg_catalog.jsonb_build_object(
    'godwit', version, 'completed', completed, 'detail', detail, 'context', context, 'schema', of_schema,
    'table', of_table, 'column', of_column, 'constraint', of_constraint)::pg_catalog.text;
end
$godwit$;

revoke all on function public.${FUNCTION}(jsonb) from public, anon, authenticated;
grant execute on function public.${FUNCTION}(jsonb) to service_role;

-- PostgREST learns of the function.
notify pgrst, 'reload schema';
`;
}
