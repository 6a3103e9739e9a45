export const VERSIONS: Readonly<Record<number, string>>;
export function serverPackage(major: number | string, options?: { install?: boolean }): string;
