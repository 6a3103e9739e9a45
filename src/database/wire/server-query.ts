/**
 * The facts of `Server`, in one row. The database's own search_path holds while it is asked, and may put somebody's functions
 * before the server's.
 */
export const SERVER_QUERY = `select pg_catalog.current_setting('server_version_num')::pg_catalog.int4 as version,
  pg_catalog.current_database() as database, current_user as "user", pg_catalog.pg_backend_pid() as "backendPid",
  r.rolsuper as superuser, pg_catalog.pg_is_in_recovery() as "inRecovery"
  from pg_catalog.pg_roles r where r.rolname operator(pg_catalog.=) current_user`;
