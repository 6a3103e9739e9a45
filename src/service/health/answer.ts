/**
 * What is answered to whom. Pure: a request as plain values, a snapshot, and what is known of the service go in.
 *
 * `/api/health` is what a load balancer or a person asks an app. `/livez` is true as long as this process answers, however long a
 * migration takes: a probe that fails meanwhile would kill it, and the next one too. `/readyz` is true when everything that
 * is required is applied. No answer holds text of a migration, of a query or of an error.
 */
import type { About } from "./about.ts";
import { metricsText } from "./metrics.ts";
import type { HealthSnapshot, WaitingFor } from "./snapshot.ts";

export interface HealthAnswer {
  readonly status: "ok" | "error";
  readonly timestamp: string;
  readonly service: string;
  readonly environment: string;
  readonly version: string;
  /** Seconds. */
  readonly uptime: number;
  readonly migrations: {
    readonly status: HealthSnapshot["status"];
    readonly lastChecked: string | null;
    /** Only while a migration waits. */
    readonly waitingFor?: WaitingFor;
    /** Only where objects were changed by hand: how many. */
    readonly drift?: number;
  };
}

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const ROUTES = ["/api/health", "/livez", "/readyz", "/metrics"] as const;
export type Route = (typeof ROUTES)[number];

/** The route at the end of a path: an app may have mounted it below a prefix of its own. */
export function routeOf(path: string): Route | undefined {
  return ROUTES.find((route) => path === route || path.endsWith(route) || path === `${route}/`);
}

export function healthAnswer(snapshot: HealthSnapshot, about: About, now: Date): HealthAnswer {
  const { status, lastChecked, waitingFor, drift = 0 } = snapshot;
  const { service, environment, version, startedAtMs } = about;
  return {
    // A migration that runs or waits is no reason to take the app away, and one that was never asked for is none either.
    status: status === "failed" ? "error" : "ok",
    timestamp: now.toISOString(),
    service,
    environment,
    version,
    uptime: Math.max(0, Math.round((now.getTime() - startedAtMs) / 1000)),
    migrations: {
      ...{ status, lastChecked },
      ...(waitingFor === null ? {} : { waitingFor }),
      ...(drift === 0 ? {} : { drift }),
    },
  };
}

export function replyTo(route: Route, snapshot: HealthSnapshot, about: About, now: Date): Reply {
  switch (route) {
    case "/livez":
      return json(200, { status: "live" });
    case "/api/health": {
      const answer = healthAnswer(snapshot, about, now);
      return json(answer.status === "ok" ? 200 : 503, answer);
    }
    case "/readyz":
      return json(snapshot.ready ? 200 : 503, readiness(snapshot));
    case "/metrics":
      return {
        status: 200,
        type: "text/plain; version=0.0.4; charset=utf-8",
        body: metricsText(snapshot, about, now),
      };
  }
}

function readiness(snapshot: HealthSnapshot) {
  const { ready, status, skipped, pending, waitingFor, step, imports, failures, rollback, drift } = snapshot;
  return {
    status: ready ? "ready" : "not ready",
    migrations: { status, pending, skipped, waitingFor, step, imports, failures, rollback, drift },
  };
}

export function json(status: number, body: object): Reply {
  return { status, type: "application/json; charset=utf-8", body: `${JSON.stringify(body)}\n` };
}
