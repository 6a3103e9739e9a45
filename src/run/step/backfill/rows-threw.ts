/** What `rows` threw, which is about its rows until it has thrown at a single one. */
export class RowsThrew extends Error {
  override readonly name = "RowsThrew";
  readonly place: { readonly line?: number | undefined } | undefined;
  readonly hint: unknown;
  constructor(thrown: unknown, place: RowsThrew["place"]) {
    super(thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
    this.place = place;
    this.hint = (thrown as { readonly hint?: unknown } | null)?.hint;
  }
}
