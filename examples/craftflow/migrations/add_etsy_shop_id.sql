-- godwit: depends=0002_seed_demo_shop phase=startup

-- migrate:up
ALTER TABLE shops ADD COLUMN etsy_shop_id bigint;

-- Links by shop name need Etsy's API to become a number; those stay empty and are asked for at next sign-in.
UPDATE shops
SET etsy_shop_id = substring(etsy_shop_ref FROM '(?:^\s*|[?&]shop_id=)(\d{1,18})\s*$')::bigint
WHERE etsy_shop_ref ~ '(?:^\s*|[?&]shop_id=)\d{1,18}\s*$';

CREATE INDEX shops_etsy_shop_id_idx ON shops (etsy_shop_id) WHERE etsy_shop_id IS NOT NULL;

-- migrate:down
ALTER TABLE shops DROP COLUMN etsy_shop_id;
