-- godwit: depends=require_tenant,separate_platform_connections,migration_add_printers_and_canvas_updates phase=complex
-- The API connects as a role that owns nothing and says per transaction whom it serves:
--   SET LOCAL app.tenant_id = '42';
-- Without that it sees no row. The owner of the tables, who migrates, is not subject to the policies; that is why
-- they are not forced, and why the API must never connect as the owner.

-- migrate:up
CREATE FUNCTION current_tenant_id() RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('app.tenant_id', true), '')::bigint $$;

-- The sub-select makes PostgreSQL ask once per query and not once per row. A policy without WITH CHECK uses
-- its USING for new rows too: a tenant cannot write into another one either.
CREATE POLICY tenant_isolation ON tenants USING (id = (SELECT current_tenant_id()));
CREATE POLICY tenant_isolation ON tenant_members USING (tenant_id = (SELECT current_tenant_id()));
CREATE POLICY tenant_isolation ON shops USING (tenant_id = (SELECT current_tenant_id()));
CREATE POLICY tenant_isolation ON platform_connections USING (tenant_id = (SELECT current_tenant_id()));
CREATE POLICY tenant_isolation ON templates USING (tenant_id = (SELECT current_tenant_id()));
CREATE POLICY tenant_isolation ON designs USING (tenant_id = (SELECT current_tenant_id()));
CREATE POLICY tenant_isolation ON orders USING (tenant_id = (SELECT current_tenant_id()));
CREATE POLICY tenant_isolation ON order_items USING (tenant_id = (SELECT current_tenant_id()));
CREATE POLICY tenant_isolation ON printers USING (tenant_id = (SELECT current_tenant_id()));

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_members ENABLE ROW LEVEL SECURITY;
ALTER TABLE shops ENABLE ROW LEVEL SECURITY;
ALTER TABLE platform_connections ENABLE ROW LEVEL SECURITY;
ALTER TABLE templates ENABLE ROW LEVEL SECURITY;
ALTER TABLE designs ENABLE ROW LEVEL SECURITY;
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE order_items ENABLE ROW LEVEL SECURITY;
ALTER TABLE printers ENABLE ROW LEVEL SECURITY;

-- migrate:down
ALTER TABLE printers DISABLE ROW LEVEL SECURITY;
ALTER TABLE order_items DISABLE ROW LEVEL SECURITY;
ALTER TABLE orders DISABLE ROW LEVEL SECURITY;
ALTER TABLE designs DISABLE ROW LEVEL SECURITY;
ALTER TABLE templates DISABLE ROW LEVEL SECURITY;
ALTER TABLE platform_connections DISABLE ROW LEVEL SECURITY;
ALTER TABLE shops DISABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_members DISABLE ROW LEVEL SECURITY;
ALTER TABLE tenants DISABLE ROW LEVEL SECURITY;

DROP POLICY tenant_isolation ON printers;
DROP POLICY tenant_isolation ON order_items;
DROP POLICY tenant_isolation ON orders;
DROP POLICY tenant_isolation ON designs;
DROP POLICY tenant_isolation ON templates;
DROP POLICY tenant_isolation ON platform_connections;
DROP POLICY tenant_isolation ON shops;
DROP POLICY tenant_isolation ON tenant_members;
DROP POLICY tenant_isolation ON tenants;

DROP FUNCTION current_tenant_id();
