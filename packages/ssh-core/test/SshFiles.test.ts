import { Effect, FileSystem, Layer } from "effect"
import { execFileSync } from "node:child_process"
import * as DropbearServer from "@toehold/lab/DropbearServer"
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

/** An account with SFTP and nothing else, which sees no more than its own folder. */
const chrooted = Layer.unwrap(
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    // Every folder on the way must be root's, and writable by nobody else.
    const root = yield* fs.makeTempDirectoryScoped({ directory: "/run", prefix: "lab-chroot-" })
    yield* fs.chmod(root, 0o755)
    yield* fs.makeDirectory(`${root}/data`)
    yield* fs.chown(`${root}/data`, 1000, 1000)
    return OpenSshServer.layer({
      account: { uid: 1000 },
      config: [`ChrootDirectory ${root}`, "ForceCommand internal-sftp -d /data", "Subsystem sftp internal-sftp"]
    })
  })
).pipe(Layer.orDie)

describeWith(["sshd", "root", "private-accounts"], "SshFiles in a changed root without a shell", () => {
  FileSuite.suite("over OpenSSH", filesOf(chrooted, OpenSshServer.OpenSshServer), {
    wholeSeconds: true,
    inodes: false,
    proc: false,
    unprivileged: true,
    folder: "/data"
  })
})

describeWith(["dropbear", "dropbearconvert", "private-accounts", "sftp-server"], "SshFiles on a small system", () => {
  FileSuite.suite("over dropbear", filesOf(DropbearServer.layer(), DropbearServer.DropbearServer), {
    ...capabilities,
    unprivileged: process.getuid?.() !== 0
  })
})
