-- godwit: backfill table=templates undo=yes depends=assign_tenants phase=complex
-- godwit: where tenant_id IS NULL AND EXISTS (SELECT FROM shops WHERE shops.id = shop_id AND shops.tenant_id IS NOT NULL)
-- A template belongs to the tenant of its shop.
UPDATE templates SET tenant_id = shops.tenant_id
FROM shops
WHERE :window(templates) AND shops.id = templates.shop_id AND templates.tenant_id IS DISTINCT FROM shops.tenant_id;
