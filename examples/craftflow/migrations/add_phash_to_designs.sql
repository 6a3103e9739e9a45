-- godwit: depends=0002_seed_demo_shop phase=startup transaction=off statement-timeout=5min
-- Designs are uploaded all day: the index is built without keeping writers out.

-- migrate:up
ALTER TABLE designs ADD COLUMN phash varchar(16);

UPDATE designs
SET phash = lower(metadata ->> 'phash')
WHERE metadata ->> 'phash' ~* '^[0-9a-f]{16}$';

CREATE INDEX CONCURRENTLY designs_phash_idx ON designs (phash) WHERE phash IS NOT NULL;

-- migrate:down
DROP INDEX CONCURRENTLY designs_phash_idx;
ALTER TABLE designs DROP COLUMN phash;
