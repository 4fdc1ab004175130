import * as Fs from "node:fs"
import { defineConfig } from "tsdown"

const read = (path: string): string => Fs.readFileSync(new URL(path, import.meta.url), "utf8")

const { version }: { readonly version: string } = JSON.parse(read("../../packages/cli/package.json"))

// One character beyond Latin-1 would double the memory and the time that the whole text takes.
const code = read("build/main.cjs").replace(
  /[^\0-\x7f]/g,
  (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
)

/** The one file that is the program: the entry with the text of `build/main.cjs` in it. */
export default defineConfig({
  entry: { toehold: "src/toehold.ts" },
  format: "esm",
  platform: "node",
  target: "node20.19",
  dts: false,
  minify: true,
  define: { programVersion: JSON.stringify(version), programCode: JSON.stringify(code) }
})
