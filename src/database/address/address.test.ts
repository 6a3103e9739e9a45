import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GodwitError } from "../../errors.ts";
import { redact } from "../../std/secret.ts";
import { type Address, type AddressInput, parseAddress } from "./address.ts";
import { looksPooled } from "./pooling.ts";

function parse(url: string | undefined, environment: AddressInput["environment"] = {}): Address {
  return parseAddress({ url, environment, systemUser: "ada" });
}

function failure(url: string | undefined, environment: AddressInput["environment"] = {}): GodwitError {
  try {
    parse(url, environment);
  } catch (error) {
    if (error instanceof GodwitError) return error;
    throw error;
  }
  throw new Error("It was accepted.");
}

/** `user:password@host:port,host:port/database`, for tables. */
function short({ hosts, user, password, database }: Address): string {
  const places = hosts.map(({ host, port }) => `${host}:${port}`).join(",");
  return `${user}${password ? `:${password.reveal()}` : ""}@${places}/${database}`;
}

const sockets = "/var/run/postgresql:5432,/tmp:5432";

test.each([
  ["postgres://u:p@h/d", "u:p@h:5432/d"],
  ["postgresql://u:p@h:5433/d", "u:p@h:5433/d"],
  ["  postgres://u@h/d\n", "u@h:5432/d"],
  ["postgresql+asyncpg://u@h/d", "u@h:5432/d"],
  ["POSTGRES://u@h/d", "u@h:5432/d"],
  ["postgres://", `ada@${sockets}/ada`],
  ["postgres:///d", `ada@${sockets}/d`],
  ["postgres://u@/d", `u@${sockets}/d`],
  ["postgres://h", "ada@h:5432/ada"],
  ["postgres://u@h", "u@h:5432/u"],
  ["postgres://h1:5433,h2/d", "ada@h1:5433,h2:5432/d"],
  ["postgres://u:p@h1,h2:5434,h3/d", "u:p@h1:5432,h2:5434,h3:5432/d"],
  ["postgres://u@h1,h2/d?port=6000", "u@h1:6000,h2:6000/d"],
  ["postgres:///d?host=/run/pg", "ada@/run/pg:5432/d"],
  ["postgres://u:p@/d?host=/run/pg&port=5433", "u:p@/run/pg:5433/d"],
  ["postgres://u@%2Frun%2Fpg/d", "u@/run/pg:5432/d"],
  ["postgres:///d?host=a,b&port=1,2&user=u", "u@a:1,b:2/d"],
  ["postgres://u@[::1]/d", "u@::1:5432/d"],
  ["postgres://u@[2001:db8::1]:5433/d", "u@2001:db8::1:5433/d"],
  ["postgres://us%40er:p%40s%2Fs%3A%23%25@h/my%20db", "us@er:p@s/s:#%@h:5432/my db"],
  ["postgres://u:a+b@h/d", "u:a+b@h:5432/d"],
  ["postgres://u:a:b@h/d", "u:a:b@h:5432/d"],
  ["postgres://u:p#w@h/d", "u:p#w@h:5432/d"], // as libpq, which gives # no meaning
  ["postgres://u:@h/d", "u@h:5432/d"],
  ["postgres://h/d?user=app@tenant&password=x", "app@tenant:x@h:5432/d"],
  ["host=h dbname=d user=u", "u@h:5432/d"],
  ["host=h port = 5433 dbname='my db' user=u password='it\\'s \\\\'", "u:it's \\@h:5433/my db"],
  ["dbname=d password=a\\ b", `ada:a b@${sockets}/d`],
  ["user=u password='' host=h", "u@h:5432/u"],
])("%s", (url, expected) => {
  expect(short(parse(url))).toBe(expected);
});

test("variables are defaults, and the URL wins", () => {
  const environment = {
    PGHOST: "e1,e2",
    PGPORT: "6000",
    PGUSER: "eu",
    PGPASSWORD: "ep",
    PGDATABASE: "ed",
    PGSSLMODE: "verify-full",
    PGSSLROOTCERT: "/root.crt",
    PGSSLCERT: "/me.crt",
    PGSSLKEY: "/me.key",
    PGAPPNAME: "app",
    PGCONNECT_TIMEOUT: "7",
    PGTARGETSESSIONATTRS: "read-write",
    PGPASSFILE: "/pass",
    PGOPTIONS: "-c geqo=off",
  };
  const address = parse(undefined, environment);
  expect(short(address)).toBe("eu:ep@e1:6000,e2:6000/ed");
  expect(address).toMatchObject({
    tls: { mode: "verify-full", rootCertificate: "/root.crt", certificate: "/me.crt", key: "/me.key" },
    applicationName: "app",
    connectTimeoutMs: 7000,
    targetSession: "read-write",
    passwordFile: "/pass",
    options: "-c geqo=off",
  });
  expect(short(parse("postgres://u@h:1/d?sslmode=disable", environment))).toBe("u:ep@h:1/d");
  expect(parse("postgres://u@h/d?sslmode=disable", environment).tls.mode).toBe("disable");
});

test.each([
  ["", "prefer"],
  ["?sslmode=allow", "allow"],
  ["?ssl=true", "require"],
  ["?ssl=true&sslmode=verify-full", "verify-full"],
  ["?sslmode=no-verify", "require"],
  ["?sslrootcert=system", "verify-full"],
])("TLS mode of %s is %s", (query, mode) => {
  expect(parse(`postgres://u@h/d${query}`).tls.mode).toBe(mode);
});

test("what other tools put into URLs is ignored with a warning, what libpq knows without", () => {
  const { warnings } = parse(
    "postgres://u:p@h/d?schema=public&pgbouncer=true&connection_limit=1&sslaccept=strict&nonsense=secret&keepalives=1&channel_binding=require",
  );
  expect(warnings.map(({ message }) => /"(\w+)"/.exec(message)?.[1])).toEqual([
    "schema",
    "pgbouncer",
    "connection_limit",
    "sslaccept",
    "nonsense",
  ]);
  expect(JSON.stringify(warnings)).not.toContain("secret");
});

test.each(["PGUSER", "PGPASSWORD", "PGPORT"])(
  "%s alone is named, as it stops the embedded server",
  (name) => {
    expect(() => parseAddress({ url: undefined, environment: { [name]: "5432" } })).toThrow(
      expect.objectContaining({ code: "URL_MISSING", message: expect.stringContaining(`${name} alone`) }),
    );
  },
);

describe("what is wrong is said, with the way out", () => {
  test.each([
    [undefined, "URL_MISSING", /No database URL/],
    ["", "URL_MISSING", /empty/],
    ["postgres://user:p@ss@host/db", "URL_INVALID", /%40 instead of @/],
    ["postgres://user:p/ss@host/db", "URL_INVALID", /%2F instead of \//],
    ["postgres://user:1/2@host/db", "URL_INVALID", /%2F instead of \//],
    ["postgres://user:p?ss@host/db", "URL_INVALID", /%3F instead of \?/],
    ["postgres://user:100%@host/db", "URL_INVALID", /%25 instead of %/],
    ["postgres://user:pass@host:port/db", "URL_INVALID", /percent-encode/],
    ["postgres://u@h:70000/d", "URL_INVALID", /65535/],
    ["postgres://u@::1/d", "URL_INVALID", /IPv6/],
    ["postgres://u@h/d?port=1,2", "URL_INVALID", /1 hosts but 2 ports/],
    ["mysql://u:p@h/d", "URL_INVALID", /mysql:\/\//],
    ["jdbc:postgresql://h/d", "URL_INVALID", /JDBC/],
    ["prisma+postgres://accelerate/?api_key=k", "URL_INVALID", /direct URL/],
    ["'postgres://u@h/d'", "URL_INVALID", /quote/],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: that is what arrives
    ["${{Postgres.DATABASE_URL}}", "URL_INVALID", /placeholder/],
    ["postgres:u@h/d", "URL_INVALID", /\/\//],
    ["h/d", "URL_INVALID", /does not start with/],
    ["host=h password='open", "URL_INVALID", /character 7/],
    ["service=mine", "URL_INVALID", /PGSERVICE/],
    ["postgres://u@h/d?sslmode=on", "URL_INVALID", /verify-full/],
    ["postgres://u@h/d?sslmode=require&sslrootcert=system", "URL_INVALID", /verify-full/],
    ["postgres://u@h/d?connect_timeout=soon", "URL_INVALID", /seconds/],
  ])("%s → %s", (url, code, text) => {
    const error = failure(url);
    expect(error.code).toBe(code);
    expect(`${error.message} ${error.hint}`).toMatch(text);
  });

  test("a variable is named when it is what is wrong", () => {
    expect(failure("postgres://u@h/d", { PGSSLMODE: "on" })).toMatchObject({
      code: "CONFIG_VARIABLE_INVALID",
      message: expect.stringMatching(/^PGSSLMODE/),
    });
    expect(failure(undefined, { PGHOST: "h", PGPORT: "x" }).message).toMatch(/^PGPORT/);
  });

  test("nobody to log in as", () => {
    expect(() => parseAddress({ url: "postgres://h/d", environment: {} })).toThrow(/names no user/);
  });
});

// The letters of MARK appear nowhere else, so a piece of the password that leaks is seen.
const MARK = "QZXQ";
const awkward = fc.string({ unit: fc.constantFrom(..."@/:?#%& +=[]'\\,;$ä1"), maxLength: 8 });
const password = fc.tuple(awkward, awkward).map(([before, after]) => `${before}${MARK}${after}`);

function everythingSaid(url: string): string {
  try {
    const address = parse(url);
    // What was read as the host is not a password, unless the whole was cut in the wrong place.
    return `${JSON.stringify(address)} ${inspect(address, { depth: 9, showHidden: true })} ${address.display}`;
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    return `${inspect(error, { showHidden: true })} ${JSON.stringify(error.toProblem())} ${error.hint}`;
  }
}

describe("a password is never said", () => {
  test("encoded as it should be", () => {
    fc.assert(
      fc.property(password, (secret) => {
        const url = `postgres://user:${encodeURIComponent(secret)}@host/db?sslpassword=${encodeURIComponent(secret)}`;
        expect(parse(url).password?.reveal()).toBe(secret);
        expect(everythingSaid(url)).not.toContain(MARK);
      }),
    );
  });

  test("not encoded at all, in whatever way that breaks the URL", () => {
    fc.assert(
      fc.property(
        password,
        fc.constantFrom("host/db", "host:5432/db?sslmode=require", "/db"),
        (secret, rest) => {
          expect(everythingSaid(`postgres://user:${secret}@${rest}`)).not.toContain(MARK);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("in text that holds the URL", () => {
    fc.assert(
      fc.property(password, fc.lorem(), fc.lorem(), (known, before, after) => {
        // One that nobody has parsed: the passwords above are remembered.
        const secret = known.replace(MARK, "QWVX");
        const text = `${before} postgres://user:${secret}@host/db\n${after}`;
        const said = redact(text);
        expect(said).not.toContain("QWVX");
        expect(said.startsWith(`${before} postgres://user:`)).toBe(true);
        expect(said.endsWith(`\n${after}`)).toBe(true);
      }),
    );
  });
});

test.each([
  ["see http://localhost:8080/x, or ask me@x.org", "see http://localhost:8080/x, or ask me@x.org"],
  ["from postgres://a:x@h1/d to postgres://b:y@h2/d", "from postgres://a:***@h1/d to postgres://b:***@h2/d"],
  ["'postgres://h/d' is down, ask me@x.org", "'postgres://h/d' is down, ask me@x.org"],
  ["postgres://a:QWVX ://@h/d is down", "postgres://a:***@h/d is down"],
  ["host=h password='a b' dbname=d", "host=h password=*** dbname=d"],
  ["?user=u&password=x&sslmode=require", "?user=u&password=***&sslmode=require"],
  ["PGPASSWORD=x psql", "PGPASSWORD=*** psql"],
  ["redis://:x@h:6379", "redis://:***@h:6379"],
  ["ALTER ROLE app PASSWORD 'hunter''2' LOGIN", "ALTER ROLE app PASSWORD '***' LOGIN"],
  ["create role app password e'hunter2", "create role app password '***'"],
])("redact(%s)", (text, expected) => {
  expect(redact(text)).toBe(expected);
});

test("what is shown is the address without the password", () => {
  expect(parse("postgres://u:p@h1:5433,h2/d?sslmode=require").display).toBe("postgres://u:***@h1:5433,h2/d");
  expect(parse("postgres:///d").display).toBe("postgres://ada@/d");
  expect(parse("postgres://u@[::1]/d").display).toBe("postgres://u@[::1]/d");
});

test.each([
  [
    "postgres://u:p@ep-x-1-pooler.eu-central-1.aws.neon.tech/d",
    "postgres://u:***@ep-x-1.eu-central-1.aws.neon.tech/d",
  ],
  [
    "postgres://postgres.abcdef:p@aws-0-eu.pooler.supabase.com:6543/postgres",
    "postgres://postgres:***@db.abcdef.supabase.co:5432/postgres",
  ],
  [
    "postgres://postgres:p@db.abcdef.supabase.co:6543/postgres",
    "postgres://postgres:***@db.abcdef.supabase.co:5432/postgres",
  ],
  ["postgres://u@h:6543/d", undefined],
  ["postgres://u@pgbouncer.railway.internal:5432/d", undefined],
  ["postgres://u@h/d?pgbouncer=true", undefined],
])("%s is a pooler's", (url, direct) => {
  const pooled = looksPooled(parse(url));
  expect(pooled?.direct).toBe(direct);
  expect(pooled?.advice).toMatch(/direct URL/);
});

test("an ordinary address is nobody's pooler", () => {
  expect(looksPooled(parse("postgres://u@ep-x-1.eu-central-1.aws.neon.tech/d"))).toBeUndefined();
  expect(looksPooled(parse("postgres://u@spooler.example.org/d"))).toBeUndefined();
});
