import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import * as FileSuite from "@toehold/lab/FileSuite"
import { describeWith } from "@toehold/lab/RealPart"
import { layer } from "./support/openSsh.ts"

const capabilities: FileSuite.Capabilities = {
  makeFifo: (path) => Effect.sync(() => execFileSync("mkfifo", ["-m", "666", path])),
  unprivileged: process.getuid?.() !== 0,
  bigFileBytes: 3_000_000,
  concurrency: 6
}

describeWith(["ssh", "sshd"], "files over the system's ssh", () => {
  FileSuite.suite("by SFTP", layer(), { ...capabilities, wholeSeconds: true, inodes: false })
  FileSuite.suite("by shell commands", layer({ config: ["Subsystem sftp /bin/false"] }), capabilities)
})
