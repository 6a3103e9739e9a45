-- godwit: backfill table=order_items undo=yes depends=assign_tenants_to_orders phase=complex
-- godwit: where tenant_id IS NULL AND EXISTS (SELECT FROM orders WHERE orders.id = order_id AND orders.tenant_id IS NOT NULL)
-- An item belongs to the tenant of its order.
UPDATE order_items SET tenant_id = orders.tenant_id
FROM orders
WHERE :window(order_items) AND orders.id = order_items.order_id AND order_items.tenant_id IS DISTINCT FROM orders.tenant_id;
