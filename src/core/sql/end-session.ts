/** The statement that ends a session, as advice for people. */
export function endSession(pid: number): string {
  return `select pg_terminate_backend(${pid})`;
}
