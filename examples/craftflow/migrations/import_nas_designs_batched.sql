-- godwit: depends=import_nas_designs phase=import transaction=off
-- Batches write by the hundred thousand: what the API searches by is indexed without keeping them out.

-- migrate:up
CREATE INDEX CONCURRENTLY design_images_folder_idx ON design_images (shop_name, template_name);
CREATE INDEX CONCURRENTLY design_images_sha256_idx ON design_images (sha256);
CREATE INDEX CONCURRENTLY design_images_phash_idx ON design_images (phash) WHERE NOT low_information;

-- migrate:down
DROP INDEX CONCURRENTLY design_images_phash_idx;
DROP INDEX CONCURRENTLY design_images_sha256_idx;
DROP INDEX CONCURRENTLY design_images_folder_idx;
