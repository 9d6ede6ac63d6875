/** What the page carries, as text: Vite reads it so for tests, and scripts/build.mjs for dist/. */
declare module '*.css?raw' {
  const text: string;
  export default text;
}

declare module '*.js?raw' {
  const text: string;
  export default text;
}
