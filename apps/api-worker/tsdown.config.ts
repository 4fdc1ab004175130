import * as Fs from "node:fs"
import { defineConfig } from "tsdown"

const { version }: { readonly version: string } = JSON.parse(
  Fs.readFileSync(new URL("../../packages/session-api/package.json", import.meta.url), "utf8")
)

/** The program with everything that it uses, as one file. */
export default defineConfig({
  entry: { "api-worker": "src/main.ts" },
  format: "esm",
  platform: "node",
  target: "node22.13",
  dts: false,
  minify: true,
  // Parts of the SSH driver ask for __dirname.
  shims: true,
  define: { programVersion: JSON.stringify(version) },
  deps: { alwaysBundle: /^(?!node:)/, onlyBundle: false },
  plugins: [
    {
      // ssh2 and pg try to load native code and do without it: one file that runs everywhere has none.
      name: "without-native-code",
      resolveId: {
        order: "pre",
        handler: (source: string) =>
          /\.node$|^(cpu-features|pg-native|pg-cloudflare|cloudflare:sockets)$/.test(source)
            ? "\0native.cjs"
            : undefined
      },
      load: (id: string) => (id === "\0native.cjs" ? `throw new Error("there is no native code")` : undefined)
    }
  ],
  // Modules are evaluated when they are needed: the page that shows the API, and the driver of a database not in use.
  outputOptions: { codeSplitting: false, strictExecutionOrder: true }
})
