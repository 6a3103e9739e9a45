import { env } from "node:process";

export default {
  project: "craftflow",
  onFailure: "continue",
  imports: {
    // Where it comes from is in QNAP_HOST, QNAP_USERNAME, QNAP_PASSWORD, QNAP_PORT and NAS_BASE_PATH.
    nas: {
      // The worker's container keeps no known_hosts: the key of the first contact is remembered in the database.
      trustOnFirstUse: true,
      // For a share that is mounted here, or a folder to try it with.
      ...(env.NAS_FOLDER ? { from: env.NAS_FOLDER } : {}),
    },
  },
};
