// `npm run example:big`: CraftFlow's migrations on a thousand times its rows, made in SQL, with every number checked.
//   npm run example:big -- 50           on fifty times its rows
//   npm run example:big -- 50 /tmp/big  in an empty folder of yours
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import pg from "pg";
import { buildIfNeeded, root } from "./fresh.mjs";

const times = Number(process.argv[2] ?? 1000);
if (!Number.isInteger(times) || times < 1) {
  console.error("How many times its rows? A whole number: npm run example:big -- 50");
  process.exit(2);
}
const godwit = join(root, "dist", "godwit.cjs");
const example = join(root, "examples", "craftflow");
const OWN = join(example, ".godwit", "big");
const folder = resolve(process.argv[3] ?? OWN);

if (folder !== OWN && existsSync(folder) && readdirSync(folder).length > 0) {
  console.error(`${folder} is not empty.`);
  process.exit(2);
}
if (!buildIfNeeded()) process.exit(1);

/** What each table has when the migrations are done: a multiple of what they make of the demo's rows. */
const AFTER = {
  ...{ users: 40, tenants: 35, tenant_members: 40, shops: 60, platform_connections: 70, canvas_sizes: 5 },
  ...{ templates: 180 * times, designs: 600 * times, orders: 588 * times, order_items: 1176 * times },
  ...{ orphaned_orders: 12 * times, canvas_size_review: 100 * times, design_rehash_queue: 600 * times },
};
/** Rows that are not as the migrations promise. Each answer is 0. */
const WRONG = {
  "designs of another tenant than their shop":
    "select count(*) from designs join shops on shops.id = shop_id where designs.tenant_id <> shops.tenant_id",
  "orders of another tenant than their shop":
    "select count(*) from orders join shops on shops.id = shop_id where orders.tenant_id <> shops.tenant_id",
  "items of another tenant than their order":
    "select count(*) from order_items join orders on orders.id = order_id where order_items.tenant_id <> orders.tenant_id",
  "hashes of 64 bits that are left": "select count(*) from designs where length(phash) = 16",
  "old hashes that the queue has lost": `select abs(count(old_phash) - ${438 * times}) as count from design_rehash_queue`,
  "items without their size": `select abs(count(canvas_size_id) - ${880 * times}) as count from order_items`,
};

// A database of one's own is for `godwit up`; this is the example's, and a new one each time.
for (const name of Object.keys(process.env))
  if (/^(DATABASE_URL|GODWIT_|MIGRATION_|QNAP_|NAS_|PG[A-Z]|NODE_ENV$|KUBERNETES_|RAILWAY_)/.test(name))
    delete process.env[name];
if (folder === OWN) rmSync(folder, { recursive: true, force: true });
for (const name of ["migrations", "godwit.config.mjs"])
  cpSync(join(example, name), join(folder, name), { recursive: true });

// The command is told of Ctrl-C by the terminal, and says how far it has come. Here only its end is waited for.
process.on("SIGINT", () => {});
const { startDevelopment } = await import(pathToFileURL(join(root, "dist", "index.js")).href);
const server = await startDevelopment({ root: folder });
try {
  process.exitCode = (await up("startup")) || (await multiply()) || (await up("all")) || (await check());
} finally {
  await server.close();
}
if (process.exitCode !== 0)
  console.error(`
The database is as the run has left it. To go on:

  cd ${folder} && node ${godwit} up`);

async function up(mode) {
  const child = spawn(process.execPath, [godwit, "up"], {
    cwd: folder,
    stdio: "inherit",
    env: { ...process.env, MIGRATION_MODE: mode },
  });
  const [code] = await once(child, "close");
  return code ?? 1;
}

/** Shops stay as many as they are, and have more of everything. */
async function multiply() {
  const began = performance.now();
  console.log(`\nMaking ${number(2580 * times)} rows …`);
  await onDatabase(async (database) => {
    // Every row is a copy that points to copies, so no foreign key needs to be asked.
    await database.query("set session_replication_role = replica");
    const more = `generate_series(1, ${times - 1}) as time`;
    await database.query(`
      insert into templates (id, shop_id, name, created_at)
      select id + 180 * time, shop_id, name, created_at from templates, ${more};
      insert into designs (id, shop_id, template_id, file_name, metadata, created_at, phash)
      select id + 600 * time, shop_id, template_id + 180 * time, file_name, metadata, created_at, phash
      from designs, ${more};
      insert into orders (id, shop_id, platform, external_ref, customer_name, customer_email, status, total_cents, ordered_at)
      select id + 600 * time, shop_id, platform, format('%s-%s', external_ref, time), customer_name, customer_email,
        status, total_cents, ordered_at
      from orders, ${more};
      insert into order_items (id, order_id, design_id, quantity, unit_price_cents, canvas_size)
      select id + 1200 * time, order_id + 600 * time, design_id + 600 * time, quantity, unit_price_cents, canvas_size
      from order_items, ${more};
      select setval(pg_get_serial_sequence('templates', 'id'), 180 * ${times}),
        setval(pg_get_serial_sequence('designs', 'id'), 600 * ${times}),
        setval(pg_get_serial_sequence('orders', 'id'), 600 * ${times}),
        setval(pg_get_serial_sequence('order_items', 'id'), 1200 * ${times})`);
    await database.query("analyze");
  });
  console.log(`Made in ${seconds(began)}. Look from another terminal how far the migrations are:

  cd ${folder}
  node ${godwit} backfill
`);
  return 0;
}

async function check() {
  const wrong = [];
  await onDatabase(async (database) => {
    const ask = async (query) => Number((await database.query(query)).rows[0].count);
    for (const [table, rows] of Object.entries(AFTER)) {
      const found = await ask(`select count(*) from ${table}`);
      if (found !== rows) wrong.push(`${table} has ${number(found)} rows, not ${number(rows)}.`);
    }
    for (const [what, query] of Object.entries(WRONG)) {
      const found = await ask(query);
      if (found !== 0) wrong.push(`${number(found)} ${what}.`);
    }
  });
  if (wrong.length > 0) {
    console.error(`\nThe rows are not what they should be:\n  ${wrong.join("\n  ")}`);
    return 1;
  }
  console.log(`
All rows are as they should be: ${Object.keys(AFTER).length} tables were counted, and ${Object.keys(WRONG).length} laws asked of every row.
The database takes its place in ${folder}, until that folder is removed.`);
  return 0;
}

async function onDatabase(work) {
  const database = new pg.Client({ connectionString: await server.url() });
  await database.connect();
  try {
    return await work(database);
  } finally {
    await database.end();
  }
}

function seconds(began) {
  return `${((performance.now() - began) / 1000).toFixed(0)} s`;
}

function number(count) {
  return count.toLocaleString("en-US");
}
