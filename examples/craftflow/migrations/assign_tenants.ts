import { migration } from "godwit";

const PAGE_SIZE = 250;
const CHILDREN_OF_SHOPS = ["templates", "designs", "orders"] as const;

/**
 * Each person who owns shops becomes a tenant, and everything in those shops theirs. Two accounts whose addresses
 * differ only in case are one person. Orders of shops that are gone belong to nobody: they move, as they were, to
 * orphaned_orders, from where `down` brings them back.
 */
export default migration({
  depends: ["add_multi_tenant_schema"],
  phase: "complex",

  async up({ sql, log, signal }) {
    const created = await sql`
      insert into tenants (billing_email, name)
      select lower(btrim(email)),
        coalesce((array_agg(full_name order by id) filter (where full_name is not null))[1], min(lower(btrim(email))))
      from users group by lower(btrim(email)) order by min(id)`;
    await sql`
      insert into tenant_members (tenant_id, user_id)
      select tenants.id, users.id from users join tenants on tenants.billing_email = lower(btrim(users.email))`;
    await sql`
      update shops set tenant_id = tenant_members.tenant_id
      from tenant_members where tenant_members.user_id = shops.owner_id`;
    log.info(`${created.count} tenants own the shops`);

    await sql`
      create table orphaned_orders (
        order_id bigint primary key,
        order_row jsonb not null,
        item_rows jsonb not null,
        moved_at timestamptz not null default now()
      )`;
    const orphans = await sql`
      insert into orphaned_orders (order_id, order_row, item_rows)
      select orders.id, to_jsonb(orders), coalesce(
        (select jsonb_agg(to_jsonb(item) order by item.id) from order_items as item where item.order_id = orders.id),
        '[]')
      from orders where not exists (select from shops where shops.id = orders.shop_id)`;
    await sql`delete from orders using orphaned_orders where orphaned_orders.order_id = orders.id`;
    log.info(`${orphans.count} orders of missing shops moved to orphaned_orders`);

    for (const name of CHILDREN_OF_SHOPS) {
      const table = sql.identifier(name);
      await inPages(
        name,
        (after) => sql<{ first: string; last: string }>`
        with page as (
          select id, shop_id from ${table} where id > ${after} order by id limit ${PAGE_SIZE}
        ), changed as (
          update ${table} as child set tenant_id = shops.tenant_id
          from page join shops on shops.id = page.shop_id where child.id = page.id
        )
        select min(id) as first, max(id) as last from page having count(*) > 0`,
      );
    }
    await inPages(
      "order_items",
      (after) => sql<{ first: string; last: string }>`
      with page as (
        select id, order_id from order_items where id > ${after} order by id limit ${PAGE_SIZE}
      ), changed as (
        update order_items set tenant_id = orders.tenant_id
        from page join orders on orders.id = page.order_id where order_items.id = page.id
      )
      select min(id) as first, max(id) as last from page having count(*) > 0`,
    );

    // Keyset paging: each page starts behind the last key of the one before, whatever the update changed.
    async function inPages(
      name: string,
      page: (after: string) => PromiseLike<readonly { first: string; last: string }[]>,
    ): Promise<void> {
      let after = "0";
      for (;;) {
        signal.throwIfAborted();
        const [done] = await page(after);
        if (done === undefined) return;
        after = done.last;
        log.info(`${name} ${done.first} to ${done.last} have a tenant`);
      }
    }
  },

  async down({ sql }) {
    await sql`
      insert into orders (
        id, shop_id, platform, external_ref, customer_name, customer_email, status, total_cents, ordered_at
      )
      select was.id, was.shop_id, was.platform, was.external_ref, was.customer_name, was.customer_email,
        was.status, was.total_cents, was.ordered_at
      from orphaned_orders, jsonb_populate_record(null::orders, order_row) as was`;
    await sql`
      insert into order_items (id, order_id, design_id, quantity, unit_price_cents, canvas_size)
      select was.id, was.order_id, was.design_id, was.quantity, was.unit_price_cents, was.canvas_size
      from orphaned_orders, jsonb_populate_recordset(null::order_items, item_rows) as was`;
    await sql`drop table orphaned_orders`;
    for (const name of ["order_items", ...CHILDREN_OF_SHOPS, "shops"]) {
      await sql`update ${sql.identifier(name)} set tenant_id = null where tenant_id is not null`;
    }
    await sql`delete from tenant_members`;
    await sql`delete from tenants`;
  },
});
