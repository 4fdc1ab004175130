import { defineConfig } from "tsdown"
import program from "../apps/cli/tsdown.main.config.ts"

/** The process whose memory is measured, as a user would ship it: what Node needs to read TypeScript is none of it. */
export default defineConfig({
  ...program,
  entry: ["vastChild.ts"],
  outDir: "dist",
  target: "node24",
  minify: "dce-only"
})
