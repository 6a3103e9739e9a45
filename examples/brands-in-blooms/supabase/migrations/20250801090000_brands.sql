-- The growers whose flowers are sold. Everybody may look at them; only the service role writes.
create table if not exists brands (
  id uuid primary key default gen_random_uuid(),
  name text not null unique,
  country text,
  founded_in integer check (founded_in between 1600 and 2100),
  created_at timestamptz not null default now()
);

alter table brands enable row level security;

drop policy if exists "brands are public" on brands;
create policy "brands are public" on brands for select using (true);

insert into brands (name, country, founded_in)
values ('Tulip & Sons', 'NL', 1911), ('Rosarium', 'BG', 1987), ('Moor Heather', 'GB', 2004)
on conflict (name) do nothing;
