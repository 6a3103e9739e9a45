/**
 * Finds passwords in a text of unknown origin: in URLs, in `user:password@host`, in `password=…` and in `PASSWORD '…'`.
 * It also finds tokens in `token=…` and in `Authorization: Bearer …`.
 * The text may be of any length and may be hostile. Every loop therefore moves forward, and the work is linear in the
 * length. A password may hold any character, so nobody can parse such a text exactly. When in doubt, more is hidden than
 * needed.
 */
import { HIDDEN, LEAST_LENGTH } from "./hidden.ts";
import { hideSettings } from "./passwords-in-settings.ts";
import { hideCredentials, hideInUrls } from "./passwords-in-urls.ts";

/** The text with `***` in place of everything that looks like a password. Applying it twice changes nothing. */
export function hidePasswords(text: string): string {
  return hideSchemes(hideSettings(hideRows(hideCredentials(hideInUrls(text)))));
}

/** A failing row is users' data. Only the English message is found here; in other languages the error code tells. */
function hideRows(text: string): string {
  return text.replace(ROW, (all, head: string) => {
    const end = all.lastIndexOf(")");
    return end <= head.length ? all : `${head}${HIDDEN}${all.slice(end)}`;
  });
}

const ROW = /\b([Ff]ailing row contains \()[^\r\n]*/g;

/** `Authorization: Bearer …`. Without the header the word must look like a key, because prose has "basic authentication". */
function hideSchemes(text: string): string {
  return text.replace(
    SCHEME,
    (all, header: string | undefined, scheme: string, gap: string, word: string) => {
      const isKey =
        header !== undefined ||
        (!/^token$/i.test(scheme) && (/[\d=]|[a-z][A-Z]/.test(word) || word.length >= 20));
      return isKey && word.length >= LEAST_LENGTH ? `${header ?? ""}${scheme}${gap}${HIDDEN}` : all;
    },
  );
}

const SCHEME =
  /(authorization[\\"'`]{0,3}[ \t]{0,4}[:=][ \t]{0,4}[\\"'`]{0,3})?\b(bearer|basic|token)([ \t]{1,8})([\w.~+/-]+=*)/gi;
