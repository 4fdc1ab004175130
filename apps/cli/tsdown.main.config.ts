import { defineConfig } from "tsdown"

/** The program with everything that it uses, as one module that `tsdown.config.ts` puts into the entry. */
export default defineConfig({
  entry: { main: "src/main.ts" },
  outDir: "build",
  format: "cjs",
  platform: "node",
  target: "node20.19",
  dts: false,
  minify: true,
  // ssh2 tries these and does without them.
  deps: { alwaysBundle: /^(?!node:)/, neverBundle: [/\.node$/, "cpu-features"], onlyBundle: false },
  // Commands are imported when they run, and their modules are evaluated only then.
  outputOptions: { codeSplitting: false, strictExecutionOrder: true }
})
