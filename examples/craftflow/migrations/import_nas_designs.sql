-- godwit: depends=0001_base_schema phase=import
-- What the NAS import fills: one row for each image below <base>/<shop_name>/<template_name>/.

-- migrate:up
CREATE TABLE design_images (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  import_name text NOT NULL,
  shop_name text NOT NULL,
  template_name text NOT NULL,
  file_name text NOT NULL,
  file_path text NOT NULL,
  file_size bigint NOT NULL,
  file_modified_at timestamptz NOT NULL,
  sha256 text NOT NULL,
  width integer NOT NULL,
  height integer NOT NULL,
  format text NOT NULL,
  has_alpha boolean NOT NULL,
  orientation smallint NOT NULL,
  phash text NOT NULL,
  phash_256 text NOT NULL,
  phash_visual text NOT NULL,
  phash_visual_256 text NOT NULL,
  phash_white text,
  phash_white_256 text,
  low_information boolean NOT NULL,
  hash_algorithm text NOT NULL,
  hash_size smallint NOT NULL,
  hash_version smallint NOT NULL,
  hash_source text NOT NULL,
  state text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (import_name, file_path)
);

-- migrate:down
DROP TABLE design_images;
