export function renderDeploy(): Readonly<Record<string, string>>;
export function filesBelow(folder: string): string[];
