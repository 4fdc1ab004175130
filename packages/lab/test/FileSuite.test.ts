import { NodeServices } from "@effect/platform-node"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import * as FileSuite from "@toehold/lab/FileSuite"

FileSuite.suite("the local file system", NodeServices.layer, {
  unprivileged: process.getuid?.() !== 0,
  makeFifo: (path) => Effect.sync(() => execFileSync("mkfifo", [path]))
})
