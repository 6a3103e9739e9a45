/** `godwit/testing`: a migrated database per test. */
export {};
