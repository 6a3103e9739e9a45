/** Moments as people write them: a time of day, how long from now, or a date with a time. */
import { parseDurationMs } from "./duration.ts";

/** The moment that is meant, seen from `now`. `null` if the text is none. A time of day is the next one where this process is. */
export function parseMoment(text: string, now: Date): Date | null {
  const [, hours, minutes] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  if (hours !== undefined) {
    const next = new Date(now);
    next.setHours(Number(hours), Number(minutes), 0, 0);
    if (next.getTime() <= now.getTime()) next.setDate(next.getDate() + 1);
    return next;
  }
  if (/^\d{4}-\d{2}-\d{2}T/.test(text)) {
    const moment = new Date(text);
    return Number.isNaN(moment.getTime()) ? null : moment;
  }
  const ms = /[a-z]$/.test(text) ? parseDurationMs(text) : null;
  return ms === null || ms === 0 ? null : new Date(now.getTime() + ms);
}

/** `06:00 (Europe/Berlin)`, with the day where it is not the day of `now`, and with seconds where it is no full minute. */
export function formatMoment(moment: Date, now: Date): string {
  const two = (part: number) => String(part).padStart(2, "0");
  const seconds = moment.getSeconds() === 0 ? "" : `:${two(moment.getSeconds())}`;
  const time = `${two(moment.getHours())}:${two(moment.getMinutes())}${seconds}`;
  const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())} `;
  const isSameDay = moment.toDateString() === now.toDateString();
  return `${isSameDay ? "" : day}${time} (${Intl.DateTimeFormat().resolvedOptions().timeZone})`;
}
