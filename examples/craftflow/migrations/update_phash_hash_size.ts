import { migration } from "godwit";

const PAGE_SIZE = 200;

/**
 * Perceptual hashes grow from 64 to 256 bits. Hashes of different sizes cannot be compared, and a larger one can only
 * come from the image itself: the old hash goes to a queue, from which a worker hashes the designs anew.
 */
export default migration({
  depends: ["add_phash_to_designs"],
  phase: "complex",

  async up({ sql, schema, log, signal }) {
    await schema
      .createTable("design_rehash_queue")
      .addColumn("design_id", "bigint", (column) =>
        column.primaryKey().references("designs.id").onDelete("cascade"),
      )
      .addColumn("old_phash", "varchar(16)")
      .addColumn("done_at", "timestamptz")
      .execute();

    let after = "0";
    for (;;) {
      signal.throwIfAborted();
      const [page] = await sql<{ last: string; queued: number }>`
        with page as (
          select id, phash from designs where id > ${after} order by id limit ${PAGE_SIZE} for no key update
        ), queued as (
          insert into design_rehash_queue (design_id, old_phash) select id, phash from page
        ), cleared as (
          update designs set phash = null from page where designs.id = page.id and page.phash is not null
        )
        select max(id) as last, count(*)::int as queued from page having count(*) > 0`;
      if (page === undefined) break;
      after = page.last;
      log.info(`${page.queued} designs queued for hashing, up to design ${page.last}`);
    }

    // Last, because it keeps everyone out of the table until the end of the transaction. No row is rewritten.
    await schema
      .alterTable("designs")
      .alterColumn("phash", (column) => column.setDataType("varchar(64)"))
      .execute();
  },

  async down({ sql, schema }) {
    await sql`
      update designs set phash = queue.old_phash
      from design_rehash_queue as queue
      where queue.design_id = designs.id and designs.phash is distinct from queue.old_phash`;
    // Designs that came later were never hashed with 64 bits.
    await sql`update designs set phash = null where length(phash) > 16`;
    await schema
      .alterTable("designs")
      .alterColumn("phash", (column) => column.setDataType("varchar(16)"))
      .execute();
    await schema.dropTable("design_rehash_queue").execute();
  },
});
