/** Limits the server's notices to an amount that people can read. A loop may raise millions. */
import type { Notice } from "../../database/connection.ts";
import { presentable } from "../../std/secret.ts";
import type { Observe } from "./events.ts";

const MOST_NOTICES = 1_000;

export function boundedNotices(observe: Observe): (notice: Notice) => void {
  let count = 0;
  return ({ severity, message }) => {
    count++;
    if (count <= MOST_NOTICES) observe({ kind: "notice", severity, message: presentable(message) });
    else if (count === MOST_NOTICES + 1)
      observe({
        kind: "notice",
        severity: "NOTICE",
        message: `the server has sent more than ${MOST_NOTICES} notices; the rest is not shown`,
      });
  };
}
