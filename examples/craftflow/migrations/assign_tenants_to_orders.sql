-- godwit: backfill table=orders undo=yes depends=assign_tenants phase=complex
-- godwit: where tenant_id IS NULL AND EXISTS (SELECT FROM shops WHERE shops.id = shop_id AND shops.tenant_id IS NOT NULL)
-- An order belongs to the tenant of its shop. Orders without a shop have been set aside by assign_tenants.
UPDATE orders SET tenant_id = shops.tenant_id
FROM shops
WHERE :window(orders) AND shops.id = orders.shop_id AND orders.tenant_id IS DISTINCT FROM shops.tenant_id;
