import { defineConfig } from "tsdown"

/** The process whose memory is measured, as a user would ship it: what Node needs to read TypeScript is none of it. */
export default defineConfig({
  entry: ["vastChild.ts"],
  format: "cjs",
  platform: "node",
  target: "node24",
  dts: false,
  deps: { alwaysBundle: /^(?!node:)/, onlyBundle: false },
  plugins: [
    {
      // ssh2 tries to load native code, and does without it.
      name: "without-native-code",
      resolveId: {
        order: "pre",
        handler: (source: string) => (/\.node$|^cpu-features$/.test(source) ? "\0native.cjs" : undefined)
      },
      load: (id: string) => (id === "\0native.cjs" ? `throw new Error("there is no native code")` : undefined)
    }
  ],
  outputOptions: { codeSplitting: false, strictExecutionOrder: true }
})
