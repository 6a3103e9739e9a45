/**
 * Cuts all connections before and after every message of a run. A run that has recovered is cut again, further on, as often
 * as it stands that, so a few hundred runs have all points in them. Each point is cut in one of them, and the result says so.
 */
import { expect, inject } from "vitest";
import type { RunEvent } from "../../src/run/report/events.ts";
import { everyPoint, openPlaces } from "./points.ts";
import { commonMarks, follower, type Mark, markOf, patience } from "./progress.ts";
import { type Direction, type Message, startProxy } from "./proxy.ts";

export interface CutOptions {
  /** Names the databases. */
  readonly prefix: string;
  /** Puts a database into the state in which every run finds it. */
  readonly before?: (url: string) => Promise<void>;
  /** Only these messages; both where it is left out. */
  readonly from?: Direction;
  /** Must not stop before all is done, whatever it takes: `true` where it needed a second run for that. */
  readonly run: (url: string, attempt: Attempt) => Promise<boolean>;
}

export interface Attempt {
  readonly lane: number;
  /** Has to see the events of the run: they say when it got on. */
  readonly observe: (event: RunEvent) => void;
}

export interface CutResult {
  readonly messages: number;
  readonly points: number;
  /** Points at which the connection really was cut; the rest came after the last message of their run. */
  readonly cut: number;
  readonly runs: number;
  /** Runs that gave up, so that a second one was needed. */
  readonly again: number;
}

/**
 * Before a message that follows another of the same direction is the same point as after that other, and is tried once.
 * Every run begins with the first point that is left, and takes others with it. Where one with several points fails, each of
 * them is tried alone, so that the error names it.
 */
export async function cutEverywhere(options: CutOptions): Promise<CutResult> {
  const { port } = inject("postgres");
  const places = await openPlaces(options.prefix, options.before);

  /** `decide` is asked about each message, the n-th from 1 and with its mark. */
  async function once(name: string, decide: DecideAt, lane = 0) {
    const place = await places.place(name);
    const database = new URL(place.url).pathname.slice(1);
    const marks: Mark[] = [];
    const proxy = await startProxy({ port });
    const stands = patience();
    proxy.cutWhere((message, bytes) => {
      const mark = markOf(message, bytes, database);
      const where = decide(marks.push(mark), mark, stands.allows);
      if (where !== undefined) stands.cut();
      return where;
    });
    try {
      const again = await options.run(proxy.url(place.url), { lane, observe: stands.observe });
      return { again, marks, messages: proxy.messages, state: await place.state() };
    } finally {
      await proxy.close();
    }
  }

  // A run that a busy machine makes slow also asks what keeps it waiting; the shorter of two asks least.
  const [undisturbed, other] = await calmRuns();
  const { messages } = undisturbed;
  const calm = commonMarks(undisturbed.marks, other.marks);
  const points = pointsOf(messages, options.from);
  const left = new Map(points.map((point) => [point.name, point]));
  const struck = new Set<string>();
  let runs = 0;
  let again = 0;

  async function calmRuns() {
    const one = await once("calm_1", () => undefined);
    const two = await once("calm_2", () => undefined);
    expect(two.state).toEqual(one.state);
    return one.marks.length <= two.marks.length ? ([one, two] as const) : ([two, one] as const);
  }

  /** One run that is cut at `first`; and at others that are left, unless it is to be `alone`. */
  async function attempt(first: Point, lane: number, alone: boolean): Promise<string | undefined> {
    runs++;
    const taken: string[] = [];
    const follow = follower(calm);
    let furthest = 0;
    const take = ({ name, n, where }: Point) => {
      taken.push(name);
      left.delete(name);
      furthest = n;
      return where;
    };
    const decide: DecideAt = (count, mark, stands) => {
      const at = follow(mark);
      if (taken.length === 0) return count === first.n ? take(first) : undefined;
      if (alone || at === undefined || at + 1 <= furthest || !stands()) return undefined;
      const point = left.get(`before_${at + 1}`) ?? left.get(`after_${at + 1}`);
      return point && take(point);
    };
    const name = alone ? `${first.name}_alone` : first.name;
    try {
      const result = await once(name, decide, lane);
      if (result.again) again++;
      expect(result.state, `cut ${taken.join(", ")} of ${messages.length} messages`).toEqual(
        undisturbed.state,
      );
      for (const each of taken) struck.add(each);
      return;
    } catch (error) {
      if (taken.length <= 1)
        throw new Error(`cut ${first.name}: ${(error as Error).message}`, { cause: error });
      for (const each of points) if (taken.includes(each.name)) await attempt(each, lane, true);
      throw new Error(`cut ${taken.join(", ")} in one run: ${(error as Error).message}`, { cause: error });
    }
  }

  const next = function* () {
    for (const point of points) if (left.delete(point.name)) yield point;
  };
  await everyPoint(next(), async (point, lane) => void (await attempt(point, lane, false)));
  expect(left.size, "points that no run has begun with").toBe(0);
  const asked = messages.filter((message) => options.from === undefined || message.from === options.from);
  return { messages: asked.length, points: points.length, cut: struck.size, runs, again };
}

type DecideAt = (n: number, mark: Mark, stands: () => boolean) => "before" | "after" | undefined;

interface Point {
  readonly name: string;
  readonly n: number;
  readonly where: "before" | "after";
}

function pointsOf(messages: readonly Message[], from: Direction | undefined): Point[] {
  return messages.flatMap((message, index): Point[] => {
    if (from !== undefined && message.from !== from) return [];
    const n = index + 1;
    const after: Point = { n, where: "after", name: `after_${n}` };
    if (messages[index - 1]?.from === message.from) return [after];
    return [{ n, where: "before", name: `before_${n}` }, after];
  });
}
