import { createHealth } from "godwit/health";

// Asked anew each time: the build must not answer once for all.
export const dynamic = "force-dynamic";

// What `godwit run` writes into GODWIT_STATUS_FILE, together with the app's own name, version and uptime.
export const GET = createHealth().fetch;
