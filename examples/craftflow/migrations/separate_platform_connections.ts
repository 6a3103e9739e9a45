import { migration } from "godwit";

const PAGE_SIZE = 250;

interface Shop {
  readonly id: string;
  readonly tenant_id: string;
  readonly etsy_shop_id: string | null;
  readonly etsy_shop_ref: string | null;
  readonly etsy_access_token: string | null;
  readonly etsy_connected_at: string | null;
  readonly shopify_domain: string | null;
  readonly shopify_access_token: string | null;
  readonly shopify_connected_at: string | null;
}

interface Connection {
  readonly tenant_id: string;
  readonly shop_id: string;
  readonly platform: "etsy" | "shopify";
  readonly account: string | null;
  readonly access_token: string | null;
  readonly connected_at: string | null;
  readonly status: "active" | "incomplete";
}

/**
 * Takes Etsy and Shopify out of the wide shops table, one row per connection. Where a tenant connected the same store
 * twice, the younger connection lives on and the other is kept as superseded. The wide columns stay until no release
 * of the API reads them; dropping them is a migration of its own, in phase `contract`.
 *
 * This is one transaction and no backfill: no row of shops is rewritten, and until the last page is read, the same store
 * is connected twice. Nobody may see that state. Each page begins behind the last key of the one before.
 */
export default migration({
  depends: ["require_tenant", "add_etsy_shop_id", "remove_shopify_unique_constraint"],
  phase: "complex",

  async up({ sql, schema, log, signal }) {
    await schema
      .createTable("platform_connections")
      .addColumn("id", "bigint", (column) => column.primaryKey().generatedByDefaultAsIdentity())
      .addColumn("tenant_id", "bigint", (column) => column.notNull().references("tenants.id"))
      .addColumn("shop_id", "bigint", (column) => column.notNull().references("shops.id").onDelete("cascade"))
      .addColumn("platform", "text", (column) => column.notNull())
      .addColumn("account", "text")
      .addColumn("access_token", "text")
      .addColumn("connected_at", "timestamptz")
      .addColumn("status", "text", (column) => column.notNull())
      .execute();
    await sql`
      alter table platform_connections
        add constraint platform_connections_platform_check check (platform in ('etsy', 'shopify')),
        add constraint platform_connections_status_check check (status in ('active', 'incomplete', 'superseded')),
        add constraint platform_connections_active_check
          check (status <> 'active' or (account is not null and access_token is not null))`;

    let after = "0";
    for (;;) {
      signal.throwIfAborted();
      // As text, a time keeps its microseconds.
      const shops = await sql<Shop>`
        select id, tenant_id, etsy_shop_id, etsy_shop_ref, etsy_access_token,
          etsy_connected_at::text, shopify_domain, shopify_access_token, shopify_connected_at::text
        from shops where id > ${after} order by id limit ${PAGE_SIZE}`;
      const last = shops.at(-1);
      if (last === undefined) break;
      after = last.id;
      const connections = shops.flatMap(connectionsOf);
      await sql`
        insert into platform_connections
          (tenant_id, shop_id, platform, account, access_token, connected_at, status)
        select tenant_id, shop_id, platform, account, access_token, connected_at, status
        from jsonb_to_recordset(${JSON.stringify(connections)}::jsonb) as connection (
          tenant_id bigint, shop_id bigint, platform text, account text,
          access_token text, connected_at timestamptz, status text
        )`;
      log.info(`${connections.length} connections out of ${shops.length} shops, up to shop ${after}`);
    }

    const superseded = await sql`
      update platform_connections set status = 'superseded'
      from (
        select id, row_number() over (
          partition by tenant_id, platform, account order by connected_at desc nulls last, id desc
        ) as place
        from platform_connections where status = 'active'
      ) as ranked
      where ranked.id = platform_connections.id and ranked.place > 1`;
    log.info(`${superseded.count} connections superseded by a younger one to the same store`);

    await sql`
      create unique index platform_connections_active_key
      on platform_connections (tenant_id, platform, account) where status = 'active'`;
    await schema
      .createIndex("platform_connections_shop_id_idx")
      .on("platform_connections")
      .column("shop_id")
      .execute();
  },

  async down({ sql, schema }) {
    const [crowded] = await sql<{ shop_id: string; platform: string }>`
      select shop_id, platform from platform_connections
      group by shop_id, platform having count(*) > 1 order by shop_id limit 1`;
    if (crowded !== undefined) {
      throw new Error(
        `Shop ${crowded.shop_id} has several ${crowded.platform} connections; the shops table holds only one.`,
      );
    }
    // Tokens are renewed all the time: those in the wide columns are stale by now.
    await sql`
      update shops set
        etsy_access_token = connection.access_token,
        etsy_connected_at = connection.connected_at,
        etsy_shop_ref = coalesce(shops.etsy_shop_ref, connection.account)
      from platform_connections as connection
      where connection.shop_id = shops.id and connection.platform = 'etsy'`;
    await sql`
      update shops set
        shopify_access_token = connection.access_token,
        shopify_connected_at = connection.connected_at,
        shopify_domain = coalesce(shops.shopify_domain, connection.account)
      from platform_connections as connection
      where connection.shop_id = shops.id and connection.platform = 'shopify'`;
    await schema.dropTable("platform_connections").execute();
  },
});

function connectionsOf(shop: Shop): Connection[] {
  const connections: Connection[] = [];
  if (isPresent(shop.etsy_shop_ref) || shop.etsy_access_token !== null) {
    connections.push({
      tenant_id: shop.tenant_id,
      shop_id: shop.id,
      platform: "etsy",
      account: shop.etsy_shop_id,
      access_token: shop.etsy_access_token,
      connected_at: shop.etsy_connected_at,
      status: shop.etsy_shop_id !== null && shop.etsy_access_token !== null ? "active" : "incomplete",
    });
  }
  if (isPresent(shop.shopify_domain)) {
    connections.push({
      tenant_id: shop.tenant_id,
      shop_id: shop.id,
      platform: "shopify",
      account: hostOf(shop.shopify_domain),
      access_token: shop.shopify_access_token,
      connected_at: shop.shopify_connected_at,
      status: shop.shopify_access_token === null ? "incomplete" : "active",
    });
  }
  return connections;
}

function isPresent(text: string | null): text is string {
  return text !== null && text.trim() !== "";
}

// "HTTPS://Shop-1.MyShopify.com/" and "shop-1.myshopify.com" are one store.
function hostOf(domain: string): string {
  return domain
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\//, "")
    .replace(/\/.*$/, "");
}
