// Node's own `import()`. That of a file which vitest has loaded belongs to vitest, and compiles TypeScript itself.
module.exports = (url) => import(url);
