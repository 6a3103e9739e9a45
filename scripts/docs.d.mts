export declare function renderDocs(): Promise<Record<string, string>>;
