import * as Fs from "node:fs"
import { defineConfig } from "tsdown"

const read = (path: string): string => Fs.readFileSync(new URL(path, import.meta.url), "utf8")

const id = "virtual:program"

/** The one file that is the program: the entry with `build/main.cjs` in it. */
export default defineConfig({
  entry: { toehold: "src/toehold.ts" },
  format: "esm",
  platform: "node",
  target: "node20.19",
  dts: false,
  minify: true,
  plugins: [
    {
      name: "program",
      resolveId: (source: string) => (source === id ? `\0${id}` : undefined),
      load: (loaded: string) => {
        if (loaded !== `\0${id}`) return undefined
        const { version }: { readonly version: string } = JSON.parse(read("../../packages/cli/package.json"))
        return [
          `export const version = ${JSON.stringify(version)}`,
          `export const code = ${JSON.stringify(read("build/main.cjs"))}`
        ].join("\n")
      }
    }
  ]
})
