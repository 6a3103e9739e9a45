-- godwit: depends=add_phash_to_designs phase=complex lock-timeout=3s
-- Room for hashes of 256 bits, and a place for those of 64. A wider varchar rewrites no row.

-- migrate:up
CREATE TABLE design_rehash_queue (
  design_id bigint PRIMARY KEY REFERENCES designs (id) ON DELETE CASCADE,
  old_phash varchar(16),
  done_at timestamptz
);
ALTER TABLE designs ALTER COLUMN phash TYPE varchar(64);

-- migrate:down
ALTER TABLE designs ALTER COLUMN phash TYPE varchar(16);
DROP TABLE design_rehash_queue;
