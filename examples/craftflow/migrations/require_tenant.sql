-- godwit: depends=assign_tenants_to_templates,assign_tenants_to_designs,assign_tenants_to_order_items,backfill_shop_slugs phase=complex transaction=off
-- Each statement stands alone, so that no table is locked longer than one of them takes. First the check, which
-- holds for new rows at once; then the rows that an older release of the API wrote since the backfills; then the
-- validation, under a lock that lets readers and writers pass; SET NOT NULL finds the proof and does not scan.
-- A shop that a new owner opened meanwhile has no tenant and no slug: its validation fails by name, and once the shop is
-- given both, the next run goes on from there.

-- migrate:up
ALTER TABLE shops ADD CONSTRAINT shops_tenant_present
  CHECK (tenant_id IS NOT NULL AND slug IS NOT NULL) NOT VALID;
ALTER TABLE templates ADD CONSTRAINT templates_tenant_present CHECK (tenant_id IS NOT NULL) NOT VALID;
ALTER TABLE designs ADD CONSTRAINT designs_tenant_present CHECK (tenant_id IS NOT NULL) NOT VALID;
ALTER TABLE orders ADD CONSTRAINT orders_tenant_present CHECK (tenant_id IS NOT NULL) NOT VALID;
ALTER TABLE order_items ADD CONSTRAINT order_items_tenant_present CHECK (tenant_id IS NOT NULL) NOT VALID;
ALTER TABLE orders ADD CONSTRAINT orders_shop_id_fkey FOREIGN KEY (shop_id) REFERENCES shops (id) NOT VALID;

UPDATE shops SET tenant_id = tenant_members.tenant_id
FROM tenant_members WHERE tenant_members.user_id = shops.owner_id AND shops.tenant_id IS NULL;
UPDATE templates SET tenant_id = shops.tenant_id
FROM shops WHERE shops.id = templates.shop_id AND templates.tenant_id IS NULL;
UPDATE designs SET tenant_id = shops.tenant_id
FROM shops WHERE shops.id = designs.shop_id AND designs.tenant_id IS NULL;
UPDATE orders SET tenant_id = shops.tenant_id
FROM shops WHERE shops.id = orders.shop_id AND orders.tenant_id IS NULL;
UPDATE order_items SET tenant_id = orders.tenant_id
FROM orders WHERE orders.id = order_items.order_id AND order_items.tenant_id IS NULL;

ALTER TABLE shops VALIDATE CONSTRAINT shops_tenant_present;
ALTER TABLE templates VALIDATE CONSTRAINT templates_tenant_present;
ALTER TABLE designs VALIDATE CONSTRAINT designs_tenant_present;
ALTER TABLE orders VALIDATE CONSTRAINT orders_tenant_present;
ALTER TABLE order_items VALIDATE CONSTRAINT order_items_tenant_present;
ALTER TABLE orders VALIDATE CONSTRAINT orders_shop_id_fkey;

ALTER TABLE shops ALTER COLUMN tenant_id SET NOT NULL, ALTER COLUMN slug SET NOT NULL;
ALTER TABLE templates ALTER COLUMN tenant_id SET NOT NULL;
ALTER TABLE designs ALTER COLUMN tenant_id SET NOT NULL;
ALTER TABLE orders ALTER COLUMN tenant_id SET NOT NULL;
ALTER TABLE order_items ALTER COLUMN tenant_id SET NOT NULL;

ALTER TABLE shops DROP CONSTRAINT shops_tenant_present;
ALTER TABLE templates DROP CONSTRAINT templates_tenant_present;
ALTER TABLE designs DROP CONSTRAINT designs_tenant_present;
ALTER TABLE orders DROP CONSTRAINT orders_tenant_present;
ALTER TABLE order_items DROP CONSTRAINT order_items_tenant_present;

CREATE INDEX CONCURRENTLY shops_tenant_id_idx ON shops (tenant_id);
CREATE INDEX CONCURRENTLY templates_tenant_id_idx ON templates (tenant_id);
CREATE INDEX CONCURRENTLY designs_tenant_id_idx ON designs (tenant_id);
CREATE INDEX CONCURRENTLY orders_tenant_id_idx ON orders (tenant_id);
CREATE INDEX CONCURRENTLY order_items_tenant_id_idx ON order_items (tenant_id);

-- migrate:down
DROP INDEX CONCURRENTLY order_items_tenant_id_idx;
DROP INDEX CONCURRENTLY orders_tenant_id_idx;
DROP INDEX CONCURRENTLY designs_tenant_id_idx;
DROP INDEX CONCURRENTLY templates_tenant_id_idx;
DROP INDEX CONCURRENTLY shops_tenant_id_idx;
ALTER TABLE orders DROP CONSTRAINT orders_shop_id_fkey;
ALTER TABLE order_items ALTER COLUMN tenant_id DROP NOT NULL;
ALTER TABLE orders ALTER COLUMN tenant_id DROP NOT NULL;
ALTER TABLE designs ALTER COLUMN tenant_id DROP NOT NULL;
ALTER TABLE templates ALTER COLUMN tenant_id DROP NOT NULL;
ALTER TABLE shops ALTER COLUMN tenant_id DROP NOT NULL, ALTER COLUMN slug DROP NOT NULL;
