/**
 * Whether a program has registered OpenTelemetry in this process: an app, or `NODE_OPTIONS=--require ./telemetry.cjs`. Godwit
 * registers nothing itself, and without a registration the API would do nothing. So nothing is loaded then.
 */

/** Where every copy of `@opentelemetry/api` 1.x keeps what is registered, so that several copies share it. */
const REGISTERED = Symbol.for("opentelemetry.js.api.1");

export function isTelemetryRegistered(environment: Readonly<Record<string, string | undefined>>): boolean {
  if (environment.OTEL_SDK_DISABLED?.trim().toLowerCase() === "true") return false;
  const registered = (globalThis as { readonly [REGISTERED]?: Readonly<Record<string, unknown>> })[
    REGISTERED
  ];
  return registered?.trace !== undefined || registered?.metrics !== undefined;
}
