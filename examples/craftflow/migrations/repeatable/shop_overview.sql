-- godwit: depends=add_multi_tenant_schema phase=startup
-- Reads only what is there after the startup phase, and as the one who asks: policies on the tables hold here too.

-- migrate:up
CREATE OR REPLACE VIEW shop_overview WITH (security_invoker = true) AS
SELECT shops.id AS shop_id,
  shops.tenant_id,
  shops.slug,
  btrim(shops.name) AS name,
  count(orders.id) AS orders,
  count(orders.id) FILTER (WHERE orders.status::text IN ('pending', 'paid')) AS orders_open,
  coalesce(sum(orders.total_cents) FILTER (WHERE orders.status <> 'cancelled'), 0) AS revenue_cents,
  max(orders.ordered_at) AS last_ordered_at
FROM shops
LEFT JOIN orders ON orders.shop_id = shops.id
GROUP BY shops.id;

-- migrate:down
DROP VIEW shop_overview;
