-- godwit: backfill table=designs depends=add_design_rehash_queue phase=complex
-- godwit: where coalesce(length(phash), 0) <= 16 AND NOT EXISTS (SELECT FROM design_rehash_queue WHERE design_id = id)
-- Perceptual hashes grow from 64 to 256 bits. Hashes of different sizes cannot be compared, and a larger one can only
-- come from the image itself: the old hash goes to a queue, from which a worker hashes the designs anew. The queue has
-- the old values, so that no undo is needed.

-- migrate:up
WITH small AS (
  SELECT id, phash FROM designs
  WHERE :window AND coalesce(length(phash), 0) <= 16
  FOR NO KEY UPDATE
), queued AS (
  INSERT INTO design_rehash_queue (design_id, old_phash)
  SELECT id, phash FROM small
  ON CONFLICT DO NOTHING
)
UPDATE designs SET phash = NULL
FROM small
WHERE :window(designs) AND designs.id = small.id AND small.phash IS NOT NULL;

-- migrate:down
UPDATE designs SET phash = queue.old_phash
FROM design_rehash_queue AS queue
WHERE queue.design_id = designs.id AND designs.phash IS DISTINCT FROM queue.old_phash;
-- Designs that came later were never hashed with 64 bits.
UPDATE designs SET phash = NULL WHERE length(phash) > 16;
DELETE FROM design_rehash_queue;
