import { migration } from "godwit";

const CHILDREN = ["order_items", "templates", "designs", "orders"] as const;

/**
 * Each person who owns shops becomes a tenant. Two accounts whose addresses differ only in case are one person. Orders of
 * shops that are gone belong to nobody: they move, as they were, to orphaned_orders, from where `down` brings them back.
 *
 * This is one transaction and no backfill: it makes rows of new tables, and users and shops are few. The large tables
 * follow in assign_tenants_to_templates, _designs, _orders and _order_items, which are backfills.
 */
export default migration({
  depends: ["add_multi_tenant_schema"],
  phase: "complex",

  async up({ sql, log }) {
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
    // The backfills have brought back what they changed. What the application has written since is left.
    for (const name of [...CHILDREN, "shops"]) {
      await sql`update ${sql.identifier(name)} set tenant_id = null where tenant_id is not null`;
    }
    await sql`delete from tenant_members`;
    await sql`delete from tenants`;
  },
});
