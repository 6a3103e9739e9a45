// One folder with the server and what it needs of node_modules: the image holds nothing else of the app.
export default { output: "standalone" };
