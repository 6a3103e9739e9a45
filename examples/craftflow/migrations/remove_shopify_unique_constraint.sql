-- godwit: depends=0002_seed_demo_shop phase=startup
-- A merchant may sell from one Shopify store under several of our shops. What must stay unique, one live
-- connection per tenant and store, is kept by platform_connections.

-- migrate:up
ALTER TABLE shops DROP CONSTRAINT shops_shopify_domain_key;
CREATE INDEX shops_shopify_domain_idx ON shops (shopify_domain);

-- migrate:down
-- Fails by name when two shops share a domain by now: which of them keeps it is not for a script to decide.
ALTER TABLE shops ADD CONSTRAINT shops_shopify_domain_key UNIQUE (shopify_domain);
DROP INDEX shops_shopify_domain_idx;
