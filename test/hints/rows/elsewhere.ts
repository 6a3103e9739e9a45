/** Hints that another test follows: the situation needs more than a folder and a database. */
export const ELSEWHERE: Readonly<Record<string, { readonly file: string; readonly title: string }>> = {};
