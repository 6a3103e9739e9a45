/** Takes the data out of what the server says beside its answers. */
import { isSaidBy, withoutRaised, withoutValues } from "./private-words.ts";
import { knownOf, quotesOf, readingOf, type Sent } from "./sent.ts";
import { isOfUserCode } from "./sqlstate.ts";

export interface Heard {
  readonly message: string;
  /** The server's function that says it. */
  readonly routine?: string | undefined;
}

export interface NoticeReader {
  /** Whether the author's words in the text may have made this notice. */
  readonly isMine: (heard: Heard) => boolean;
  /** The message without data. */
  readonly withoutData: (heard: Heard) => string;
}

/** Takes the data out of the notices that come while a text is under way. */
export function noticesOf(sent: Sent): NoticeReader {
  const read = readingOf(sent);
  const quote = quotesOf(sent.text);
  let known: ReturnType<typeof knownOf> | undefined;
  return {
    isMine: ({ message, routine }) =>
      isOfUserCode(routine) && read.sayings().some((each) => isSaidBy(message, each)),
    withoutData({ message, routine }) {
      quote(message);
      const raised = isOfUserCode(routine);
      if (!(sent.secret === true || (raised ? read.isAboutRaised(message) : read.isAbout()))) return message;
      const sayings = read.sayings();
      known ??= knownOf(sayings, sent.values);
      const shown = raised ? withoutRaised(message, sayings) : message;
      return withoutValues(shown, known.values, known.kept);
    },
  };
}

/** The same where several texts are under way, and nobody knows to which of them a notice belongs. */
export function heardDuring(readers: Iterable<NoticeReader>, heard: Heard): string {
  const all = [...readers];
  const [one] = all.filter((reader) => reader.isMine(heard));
  if (one !== undefined) return one.withoutData(heard);
  return all.reduce((message, reader) => reader.withoutData({ ...heard, message }), heard.message);
}
