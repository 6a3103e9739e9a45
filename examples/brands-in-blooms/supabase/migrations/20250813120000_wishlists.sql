-- A signed-in customer keeps a list of bouquets, and sees nobody else's.
create table if not exists wishlists (
  customer_id uuid not null references auth.users (id) on delete cascade,
  bouquet_id uuid not null references bouquets (id) on delete cascade,
  added_at timestamptz not null default now(),
  primary key (customer_id, bouquet_id)
);

alter table wishlists enable row level security;

drop policy if exists "customers keep their own wishlist" on wishlists;
create policy "customers keep their own wishlist" on wishlists
  for all using (customer_id = auth.uid()) with check (customer_id = auth.uid());
