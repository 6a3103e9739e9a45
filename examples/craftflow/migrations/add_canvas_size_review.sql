-- godwit: depends=migration_add_printers_and_canvas_updates phase=complex

-- migrate:up
CREATE TABLE canvas_size_review (
  order_item_id bigint PRIMARY KEY REFERENCES order_items (id) ON DELETE CASCADE,
  written text NOT NULL
);

-- migrate:down
DROP TABLE canvas_size_review;
