/**
 * The second promise, for a process that is killed: wherever that happens, the next `godwit up` ends as an undisturbed
 * one would have, no step took effect twice, and nobody is asked.
 *
 * A dead process has told nothing to anybody but the server. So what it leaves behind depends on two things alone: how
 * many of its messages the server got, and whether the server was still at work on them when its client was gone. The
 * points are all of these: just before every request, when everything asked so far is answered, and just after every
 * message, when the answer is still to come. (Before a message that follows another within one request is the same as
 * after that other.) Whether the process got to read an answer is known to nobody when it is dead; and the goodbye
 * at the end says no more than the end of the connection does.
 */
import { describe, inject } from "vitest";
import { commandIn, type Running } from "./support/command.ts";
import { expect, type TestDatabase, test } from "./support/database.ts";
import { closeGate, GATE } from "./support/gate.ts";
import { everyPoint, openPlaces, type Place } from "./support/points.ts";
import { commonMarks, follower, type Mark, markOf } from "./support/progress.ts";
import { type Message, startProxy } from "./support/proxy.ts";
import { scenarioFiles } from "./support/scenario.ts";
import { blocked, lockHolder, running } from "./support/sessions.ts";
import { type Files, folderOf } from "./support/target.ts";
import { until } from "./support/until.ts";
import { majorVersion } from "./support/version.ts";

describe("a process that is killed before or after any message that it sends", () => {
  test("of up: the next one ends as if nothing had happened", { timeout: 1_800_000 }, async () => {
    const places = await openPlaces("kill_up");
    await killEverywhere(places, ["up"]);
  });

  test("of down: the next one ends as if nothing had happened", { timeout: 1_800_000 }, async () => {
    const { "repeatable/overview.sql": _overview, ...files } = scenarioFiles();
    const folder = folderOf(migrations(files));
    const places = await openPlaces("kill_down", async (url) => {
      await commandIn({ folder, url })("up");
    });
    await killEverywhere(places, ["down", "0002"], files);
  });
});

describe("a process that is killed while the server is at work for it", () => {
  const OUTSIDE = `-- migrate:up
insert into effects values ('begun');
create index concurrently busy_id on busy (id);
insert into effects values ('done');`;

  test("in a transaction: it leaves nothing, and the next one does all", async ({ db }) => {
    const folder = folderOf({
      "migrations/0001_slow.sql": `create table effects (what text);
insert into effects select 'slow' from pg_sleep(0);
select pg_sleep(600) from nap;`,
    });
    await db.sql("create table nap as select 1");
    const godwit = commandIn({ folder, url: db.url });
    const victim = godwit.start("up");
    await running(db, /from nap/);
    const next = godwit.start("up", "--json");
    await next.says("waiting");
    await db.sql("delete from nap"); // who is asleep stays so
    await kill(victim, db);
    expect((await next.exits(0)).json.report.steps).toMatchObject([{ revision: "0001_slow" }]);
    expect(await db.sql("select what from effects")).toEqual([{ what: "slow" }]);
  });

  test("waiting for a lock in a transaction: it leaves the queue for that lock too", async ({ db }) => {
    const folder = folderOf({
      "migrations/0001_gate.sql": `create table effects (what text); insert into effects values ('gate'); ${GATE}`,
    });
    const godwit = commandIn({ folder, url: db.url });
    const gate = await closeGate(db);
    const victim = godwit.start("up", "--lock-timeout", "0");
    const [first] = await gate.reached();
    const next = godwit.start("up", "--lock-timeout", "0");
    await next.says("waiting");
    await kill(victim, db);
    await until(async () => !(await gate.reached()).includes(first ?? 0), { what: "the next one's turn" });
    await gate.open();
    await next.exits(0);
    expect(await db.sql("select what from effects")).toEqual([{ what: "gate" }]);
  });

  test("building an index: the next one clears what is left of it, and builds it whole", async ({ db }) => {
    await db.sql("create table effects (what text)");
    await db.sql("create table busy as select id from generate_series(1, 1000) id");
    const godwit = commandIn({ folder: folderOf({ "migrations/0001_index.sql": OUTSIDE }), url: db.url });
    const writer = await db.connect();
    await writer.query("begin; insert into busy values (0)");
    const victim = godwit.start("up");
    const first = await blocked(db, /^create index concurrently/);
    await kill(victim, db);
    const next = godwit.start("up", "--json");
    await until(async () => (await lockHolder(db)) !== undefined && (await lockHolder(db)) !== first);
    await blocked(db, /^drop index concurrently/);
    await writer.query("commit");
    const { report } = (await next.exits(0)).json;
    expect(report).toMatchObject({ outcome: "done", steps: [{ revision: "0001_index" }] });
    expect(await db.sql("select what from effects")).toEqual([{ what: "begun" }, { what: "done" }]);
    expect(await db.sql(INDEXES)).toEqual([{ name: "busy_id", valid: true }]);
  });
});

/** PostgreSQL 13 does not notice that a client is gone while it works for it: there the waiter is told to end its session. */
async function kill({ child }: Running, db: TestDatabase): Promise<void> {
  const holder = await lockHolder(db);
  child.kill("SIGKILL");
  if (majorVersion() < 14) await db.admin("select pg_terminate_backend($1)", [holder]);
}

test("a waiter that is killed is in nobody's way", async ({ db }) => {
  const folder = folderOf({ "migrations/0001_gate.sql": `create table gated (id int); ${GATE}` });
  const godwit = commandIn({ folder, url: db.url });
  const gate = await closeGate(db);
  const holder = godwit.start("up", "--lock-timeout", "0");
  await gate.reached();
  const waiter = godwit.start("up");
  await waiter.says("waiting");
  waiter.child.kill("SIGKILL");
  await waiter.ended;
  const last = godwit.start("up", "--json");
  await last.says("waiting");
  await gate.open();
  await holder.exits(0);
  expect((await last.exits(0)).json.report.steps).toEqual([]);
});

const INDEXES = `select relname as name, indisvalid as valid from pg_index join pg_class on pg_class.oid = indexrelid
  where indrelid = 'busy'::regclass`;

/** A process for each is killed on one database, one after the other. */
const KILLS_ON_ONE = 8;

/**
 * A process is killed at each point. On its database the next ones are killed too, each at the first point left whose place in
 * an undisturbed run it reaches. The last one lives, and must leave what an undisturbed run leaves. Where it does not, each of
 * the points is tried alone, so that the error names it.
 */
async function killEverywhere(
  places: { place: (name: string) => Promise<Place> },
  command: readonly string[],
  files: Files = scenarioFiles(),
): Promise<void> {
  const folder = folderOf(migrations(files));
  // A run that a busy machine makes slow also asks for whom it waits. Every run sends what the shortest one sends, and that is one
  // of the shortest if a second one sends as much.
  const calm: (Observed & { readonly state: Awaited<ReturnType<Place["state"]>> })[] = [];
  const byLength = () => calm.toSorted((one, another) => one.messages.length - another.messages.length);
  const isSettled = () => {
    const [one, another] = byLength();
    return calm.length >= 3 && one?.messages.length === another?.messages.length;
  };
  for (let n = 1; n <= 12 && !isSettled(); n++) {
    const place = await places.place(`calm_${n}`);
    const seen = await observed({ folder, command, place });
    calm.push({ ...seen, state: await place.state() });
  }
  const [shortest, other] = byLength();
  const { messages = [], marks = [], state: undisturbed } = shortest ?? {};
  for (const { state } of calm) expect(state).toEqual(undisturbed);

  const marksOfAll = commonMarks(marks, other?.marks ?? []);
  const points = pointsOf(messages);
  const left = new Map(points.map((point) => [nameOf(point), point]));
  const count = { killed: 0, untouched: 0, databases: 0 };
  const next = function* () {
    for (const point of points) if (left.delete(nameOf(point))) yield point;
  };

  /** Processes that are killed, and one that is not. */
  async function kills(first: Point, place: Place, most: number, taken: string[]): Promise<void> {
    const start = (decide: (n: number, mark: Mark) => Point | undefined) =>
      observed({ folder, command, place, decide });
    const { killed, messages: sent } = await start((n) => (n === first.n ? first : undefined));
    taken.push(nameOf(first));
    // A run may send less than the shortest calm one, and is over then.
    const reached = sent[first.n - 1];
    if (reached !== undefined && reached.type !== "X") expect(killed, `killed ${nameOf(first)}`).toBe(true);
    else count.untouched++;
    while (taken.length < most) {
      const follow = follower(marksOfAll);
      let point: Point | undefined;
      const { killed } = await start((_, mark) => {
        const at = follow(mark);
        point = at === undefined ? undefined : (left.get(`before_${at + 1}`) ?? left.get(`after_${at + 1}`));
        if (point !== undefined) left.delete(nameOf(point));
        return point;
      });
      if (point === undefined) return;
      taken.push(nameOf(point));
      expect(killed, `killed ${nameOf(point)}`).toBe(true);
    }
    await commandIn({ folder, url: place.url })(...command);
  }

  async function attempt(first: Point, most: number): Promise<void> {
    const taken: string[] = [];
    const name = `${nameOf(first)}${most === 1 ? "_alone" : ""}`;
    const place = await places.place(name);
    count.databases++;
    try {
      await kills(first, place, most, taken);
      expect(await place.state(), `killed ${taken.join(", ")} of ${messages.length}`).toEqual(undisturbed);
      count.killed += taken.length;
    } catch (error) {
      const what = `killed ${taken.join(", ")}: ${(error as Error).message}`;
      if (most > 1) for (const each of points) if (taken.includes(nameOf(each))) await attempt(each, 1);
      throw new Error(what, { cause: error });
    }
  }

  const requests = points.filter(({ when }) => when === "before").length;
  await everyPoint(next(), (point) => attempt(point, KILLS_ON_ONE), { atOnce: 3 });
  console.info(
    `${command[0]}: ${points.length} points around ${requests} requests, ${count.killed} tried on ${count.databases} databases`,
  );
  expect(count.killed).toBe(points.length);
  expect(count.untouched, "runs that were over before their point").toBeLessThan(points.length / 100);
}

interface Observed {
  readonly messages: readonly Message[];
  readonly marks: readonly Mark[];
  readonly killed: boolean;
}

/** Runs the command, and kills it at the first point that `decide` names for one of its messages, the n-th from 1. */
async function observed({
  folder,
  command,
  place,
  decide = () => undefined,
}: {
  readonly folder: string;
  readonly command: readonly string[];
  readonly place: Place;
  readonly decide?: (n: number, mark: Mark) => Point | undefined;
}): Promise<Observed> {
  const { port } = inject("postgres");
  const database = new URL(place.url).pathname.slice(1);
  const marks: Mark[] = [];
  let point: Point | undefined;
  const proxy = await startProxy({ port, onCut: () => running.child.kill("SIGKILL") });
  proxy.cutWhere((message, bytes) => {
    if (point !== undefined) return undefined;
    const mark = markOf(message, bytes, database);
    point = decide(marks.push(mark), mark);
    return point?.when;
  });
  const running = commandIn({ folder, url: proxy.url(place.url) }).start(...command);
  const killed = (await running.ended) === "SIGKILL";
  await proxy.close();
  if (!killed) await running.exits(0);
  return { messages: proxy.messages, marks, killed };
}

interface Point {
  readonly n: number;
  readonly when: "before" | "after";
}

const nameOf = ({ n, when }: Point) => `${when}_${n}`;

function pointsOf(messages: readonly Message[]): Point[] {
  return messages.flatMap(({ from, type }, index): Point[] => {
    if (from === "server" || type === "X") return [];
    const after = { n: index + 1, when: "after" } as const;
    return messages[index - 1]?.from === "client" ? [after] : [{ n: index + 1, when: "before" }, after];
  });
}

function migrations(files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/${name}`, text]));
}
