/** The facts of `Server`, in one row. */
export const SERVER_QUERY = `select current_setting('server_version_num')::int as version, current_database() as database,
  current_user as "user", pg_backend_pid() as "backendPid", r.rolsuper as superuser,
  pg_is_in_recovery() as "inRecovery"
  from pg_roles r where r.rolname = current_user`;
