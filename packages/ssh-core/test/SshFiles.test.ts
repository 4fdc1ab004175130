import { Effect, FileSystem } from "effect"
import { execFileSync } from "node:child_process"
import * as DropbearServer from "@toehold/lab/DropbearServer"
import * as FileSuite from "@toehold/lab/FileSuite"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { filesOver } from "./support/files.ts"

const overSftp: FileSuite.Capabilities = { wholeSeconds: true, inodes: false, bigFileBytes: 8 * 1024 * 1024 }
const capabilities: FileSuite.Capabilities = {
  ...overSftp,
  makeFifo: (path) => Effect.sync(() => execFileSync("mkfifo", ["-m", "666", path]))
}
const unprivileged = process.getuid?.() !== 0

describeWith(["sshd"], "SshFiles", () => {
  FileSuite.suite("over OpenSSH", filesOver(OpenSshServer.make()), { ...capabilities, unprivileged })
})

describeWith(["sshd", "root", "private-accounts"], "SshFiles of an ordinary account", () => {
  FileSuite.suite("over OpenSSH", filesOver(OpenSshServer.make({ account: { uid: 1000 } })), {
    ...capabilities,
    unprivileged: true
  })
})

/** An account with SFTP and nothing else, which sees no more than its own folder. */
const chrooted = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  // Every folder on the way must be root's, and writable by nobody else.
  const root = yield* fs.makeTempDirectoryScoped({ directory: "/run", prefix: "lab-chroot-" })
  yield* fs.chmod(root, 0o755)
  yield* fs.makeDirectory(`${root}/data`)
  yield* fs.chown(`${root}/data`, 1000, 1000)
  return yield* OpenSshServer.make({
    account: { uid: 1000 },
    config: [`ChrootDirectory ${root}`, "ForceCommand internal-sftp -d /data", "Subsystem sftp internal-sftp"]
  })
})

describeWith(["sshd", "root", "private-accounts"], "SshFiles in a changed root without a shell", () => {
  FileSuite.suite("over OpenSSH", filesOver(chrooted, { shell: false }), {
    ...overSftp,
    proc: false,
    unprivileged: true,
    folder: "/data"
  })
})

describeWith(["dropbear", "dropbearconvert", "private-accounts", "sftp-server"], "SshFiles on a small system", () => {
  FileSuite.suite("over dropbear", filesOver(DropbearServer.make()), { ...capabilities, unprivileged })
})
