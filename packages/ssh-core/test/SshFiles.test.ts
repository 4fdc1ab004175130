import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import * as FileSuite from "@toehold/lab/FileSuite"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { filesOf } from "./support/files.ts"

const capabilities: FileSuite.Capabilities = {
  wholeSeconds: true,
  inodes: false,
  makeFifo: (path) => Effect.sync(() => execFileSync("mkfifo", ["-m", "666", path]))
}

describeWith(["sshd"], "SshFiles", () => {
  FileSuite.suite("over OpenSSH", filesOf(OpenSshServer.layer(), OpenSshServer.OpenSshServer), {
    ...capabilities,
    unprivileged: process.getuid?.() !== 0
  })
})

describeWith(["sshd", "root", "private-accounts"], "SshFiles of an ordinary account", () => {
  FileSuite.suite(
    "over OpenSSH",
    filesOf(OpenSshServer.layer({ account: { uid: 1000 } }), OpenSshServer.OpenSshServer),
    { ...capabilities, unprivileged: true }
  )
})
