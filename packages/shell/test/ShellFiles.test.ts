import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import * as FileSuite from "@toehold/lab/FileSuite"
import { describeWith } from "@toehold/lab/RealPart"
import { layer } from "./support/shells.ts"

const capabilities: FileSuite.Capabilities = {
  unprivileged: process.getuid?.() !== 0,
  makeFifo: (path) => Effect.sync(() => execFileSync("mkfifo", [path])),
  bigFileBytes: 3_000_000,
  concurrency: 12
}

describeWith(["dash"], "files by dash", () =>
  FileSuite.suite("with GNU's programs", layer({ shell: "dash" }), capabilities)
)
