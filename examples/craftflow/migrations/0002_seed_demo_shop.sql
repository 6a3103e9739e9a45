-- Demo shops with the blemishes that years of real use leave behind. The same rows on every machine.

-- migrate:up
-- Every eighth user signed up a second time, with the same address in capitals.
INSERT INTO users (id, email, full_name, created_at)
SELECT i,
  CASE WHEN i % 8 = 0 THEN upper(format('owner%s@craftflow.example', i - 1))
    ELSE format('owner%s@craftflow.example', i) END,
  CASE WHEN i % 5 = 0 THEN NULL ELSE format('Owner %s', i) END,
  timestamptz '2024-01-01 00:00:00+00' + i * interval '1 day'
FROM generate_series(1, 40) AS i;

-- Names repeat, differ only in case, carry accents, or hold nothing that a URL could use. References to
-- Etsy are numbers, links, shop names or blank. Shops 44, 48, … 60 name the domain of an older shop again,
-- written differently.
INSERT INTO shops (
  id, owner_id, name, etsy_shop_ref, etsy_access_token, etsy_connected_at,
  shopify_domain, shopify_access_token, shopify_connected_at, created_at
)
SELECT i,
  1 + (i - 1) % 40,
  (ARRAY['Paper & Ink', 'PAPER & INK', 'Atelier Größe', 'Café Toile', '日本の紙', 'Paper Ink 2',
    '  Old Harbour Prints ', 'Żółty Słoń', 'O''Brien''s Canvas', '🎨'])[1 + (i - 1) % 10],
  CASE i % 6
    WHEN 0 THEN NULL
    WHEN 1 THEN (20000000 + i)::text
    WHEN 2 THEN format(' %s ', 20000000 + i)
    WHEN 3 THEN format('https://www.etsy.com/your/shops/me?shop_id=%s', 20000000 + i)
    WHEN 4 THEN format('etsy.com/shop/Studio%s', i)
    ELSE ''
  END,
  CASE WHEN i % 6 NOT IN (0, 5) AND i % 10 <> 0 THEN format('demo-etsy-%s', i) END,
  CASE WHEN i % 6 NOT IN (0, 5) THEN timestamptz '2024-03-01 00:00:00+00' + i * interval '1 day' END,
  CASE
    WHEN i % 2 = 1 THEN NULL
    WHEN i > 40 AND i % 4 = 0 THEN format('HTTPS://Shop-%s.MyShopify.com/', i - 40)
    WHEN i % 6 = 0 THEN format('Shop-%s.myshopify.com', i)
    ELSE format('shop-%s.myshopify.com', i)
  END,
  CASE WHEN i % 2 = 0 THEN format('demo-shopify-%s', i) END,
  CASE WHEN i % 2 = 0 THEN timestamptz '2024-04-01 00:00:00+00' + i * interval '1 day' END,
  timestamptz '2024-02-01 00:00:00+00' + i * interval '1 hour'
FROM generate_series(1, 60) AS i;

INSERT INTO templates (id, shop_id, name, created_at)
SELECT i, 1 + (i - 1) % 60,
  (ARRAY['UVDTF 16oz', 'Canvas Wrap', 'Poster'])[1 + (i - 1) / 60],
  timestamptz '2024-02-10 00:00:00+00' + i * interval '1 hour'
FROM generate_series(1, 180) AS i;

-- Designs 301 to 600 are copies of 1 to 300. One in four was never hashed, a few hashes are no hashes.
INSERT INTO designs (id, shop_id, template_id, file_name, metadata, created_at)
SELECT i, 1 + (i - 1) % 60,
  CASE WHEN i % 9 = 0 THEN NULL ELSE 1 + (i - 1) % 180 END,
  format('design_%s.png', lpad(i::text, 4, '0')),
  CASE
    WHEN i % 4 = 0 THEN '{}'::jsonb
    WHEN i % 50 = 1 THEN jsonb_build_object('phash', 'n/a')
    WHEN i % 3 = 0 THEN jsonb_build_object('phash', upper(left(md5((i % 300)::text), 16)))
    ELSE jsonb_build_object('phash', left(md5((i % 300)::text), 16))
  END,
  timestamptz '2024-05-01 00:00:00+00' + i * interval '1 hour'
FROM generate_series(1, 600) AS i;

-- Every fiftieth order belongs to a shop that was deleted long ago.
INSERT INTO orders (
  id, shop_id, platform, external_ref, customer_name, customer_email, status, total_cents, ordered_at
)
SELECT i,
  CASE WHEN i % 50 = 0 THEN 9000 + i ELSE 1 + (i * 7) % 60 END,
  CASE WHEN i % 2 = 0 THEN 'shopify' ELSE 'etsy' END,
  format('R-%s', 100000 + i),
  CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN 'Zoë Müller' WHEN 2 THEN 'LI WEI' ELSE 'sam o''neil' END,
  CASE WHEN i % 3 = 0 THEN NULL ELSE format('Buyer%s@Mail.example', i % 120) END,
  (ARRAY['pending', 'paid', 'shipped', 'shipped', 'cancelled']::order_status[])[1 + i % 5],
  2 * (1500 + (i % 37) * 100),
  timestamptz '2024-06-01 00:00:00+00' + i * interval '3 hours'
FROM generate_series(1, 600) AS i;

INSERT INTO order_items (id, order_id, design_id, quantity, unit_price_cents, canvas_size)
SELECT i, (i + 1) / 2,
  CASE WHEN i % 11 = 0 THEN NULL ELSE 1 + (i * 13) % 600 END,
  1,
  1500 + (((i + 1) / 2) % 37) * 100,
  (ARRAY['12x16 in', '12" x 16"', '12 X 16 inches', '30 × 40 cm', '300x400mm', '8.5x11 in', '8,5 by 11 in',
    'A3', '16x20', 'large', '', NULL])[1 + i % 12]
FROM generate_series(1, 1200) AS i;

-- The identities have not seen the ids above.
SELECT setval(pg_get_serial_sequence('users', 'id'), 40);
SELECT setval(pg_get_serial_sequence('shops', 'id'), 60);
SELECT setval(pg_get_serial_sequence('templates', 'id'), 180);
SELECT setval(pg_get_serial_sequence('designs', 'id'), 600);
SELECT setval(pg_get_serial_sequence('orders', 'id'), 600);
SELECT setval(pg_get_serial_sequence('order_items', 'id'), 1200);

-- migrate:down
-- Only the demo rows. Where real rows point at one of them, the foreign key stops this, as it should.
DELETE FROM order_items WHERE id <= 1200;
DELETE FROM orders WHERE id <= 600;
DELETE FROM designs WHERE id <= 600;
DELETE FROM templates WHERE id <= 180;
DELETE FROM shops WHERE id <= 60;
DELETE FROM users WHERE id <= 40;
