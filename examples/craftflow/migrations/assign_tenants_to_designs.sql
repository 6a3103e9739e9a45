-- godwit: backfill table=designs undo=yes depends=assign_tenants phase=complex
-- godwit: where tenant_id IS NULL AND EXISTS (SELECT FROM shops WHERE shops.id = shop_id AND shops.tenant_id IS NOT NULL)
-- A design belongs to the tenant of its shop.
UPDATE designs SET tenant_id = shops.tenant_id
FROM shops
WHERE :window(designs) AND shops.id = designs.shop_id AND designs.tenant_id IS DISTINCT FROM shops.tenant_id;
