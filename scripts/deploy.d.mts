export declare const EXAMPLES: Readonly<Record<string, readonly string[]>>;
export declare function renderDeploy(): Readonly<Record<string, string>>;
export declare function renderExample(name: string): Readonly<Record<string, string>>;
export declare function filesBelow(folder: string): string[];
