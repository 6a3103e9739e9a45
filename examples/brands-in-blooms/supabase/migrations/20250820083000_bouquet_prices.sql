-- Small tables: an index that is built inside of the transaction also works over HTTPS.
create index if not exists bouquets_by_price on bouquets (price_cents);
