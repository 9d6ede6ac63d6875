/** A script, or certificates, as text: Vite reads it so for tests, and scripts/build.mjs for dist/. */
declare module '*.sh?raw' {
  const text: string;
  export default text;
}

declare module '*.pem?raw' {
  const text: string;
  export default text;
}
