/**
 * The migration that `godwit init --import` writes. Its columns are the fields of `images/table.ts`, and a test
 * compares them.
 */
export const IMAGE_TABLE = `-- One row for each imported image. Add what you like: the import writes the columns below and no others.

-- migrate:up
create table design_images (
  id bigint generated always as identity primary key,
  import_name text not null,
  shop_name text,
  template_name text,
  file_name text not null,
  -- Relative to the folder that is imported, exactly as it is spelled there.
  file_path text not null,
  file_size bigint not null,
  file_modified_at timestamptz not null,
  sha256 text not null,
  width integer not null,
  height integer not null,
  format text not null,
  has_alpha boolean not null,
  -- EXIF, 1 to 8.
  orientation smallint not null,
  -- What Python's imagehash.phash prints, for the configured hash size and for 16.
  phash text not null,
  phash_256 text not null,
  -- What people see: transparency on the ground that contrasts with the ink, upright.
  phash_visual text not null,
  phash_visual_256 text not null,
  -- The same on white, where that differs.
  phash_white text,
  phash_white_256 text,
  -- True: empty or nearly flat, so that its hashes say nothing.
  low_information boolean not null,
  hash_algorithm text not null,
  hash_size smallint not null,
  hash_version smallint not null,
  -- full, or the composite that a PSD carries.
  hash_source text not null,
  -- present, missing or excluded; quarantined or unsupported: what lies there now is no image that can be read, and the
  -- row tells of the one before. Rows are never deleted by an import.
  state text not null,
  created_at timestamptz not null default now(),
  unique (import_name, file_path)
);
create index design_images_sha256 on design_images (sha256);
create index design_images_phash on design_images (phash);
create index design_images_folder on design_images (shop_name, template_name);

-- migrate:down
drop table design_images;
`;
