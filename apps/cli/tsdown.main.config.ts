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
  deps: { alwaysBundle: /^(?!node:)/, onlyBundle: false },
  plugins: [
    {
      // ssh2 tries to load native code and does without it: one file that runs everywhere has none.
      name: "without-native-code",
      resolveId: {
        order: "pre",
        handler: (source: string) => (/\.node$|^cpu-features$/.test(source) ? "\0native.cjs" : undefined)
      },
      load: (id: string) => (id === "\0native.cjs" ? `throw new Error("there is no native code")` : undefined)
    }
  ],
  // Commands are imported when they run, and their modules are evaluated only then.
  outputOptions: { codeSplitting: false, strictExecutionOrder: true }
})
