import { Effect, Layer } from "effect"
import { execFileSync } from "node:child_process"
import * as FileSuite from "@toehold/lab/FileSuite"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import * as SshFiles from "@toehold/ssh-core/SshFiles"
import * as SshPool from "@toehold/ssh-core/SshPool"
import * as SshProcess from "@toehold/ssh-core/SshProcess"
import { services } from "./support/machine.ts"
import { lineFor, trusting } from "./support/pool.ts"

/** The SFTP session is the only one of its connection, and has to give way to every command. */
const files = SshFiles.layer({ watchInterval: "50 millis" }).pipe(
  Layer.provideMerge(SshProcess.layer),
  Layer.provide(
    Layer.unwrap(Effect.map(OpenSshServer.OpenSshServer, (server) => SshPool.layerClient(lineFor(server), trusting)))
  ),
  Layer.provide(SshPool.layer({ maxConnections: 2 })),
  Layer.provideMerge(OpenSshServer.layer({ config: ["MaxSessions 1"] })),
  Layer.provide(services)
)

describeWith(["sshd"], "SshFiles over a pool", () => {
  FileSuite.suite("of connections with one session", files, {
    wholeSeconds: true,
    inodes: false,
    unprivileged: process.getuid?.() !== 0,
    makeFifo: (path) => Effect.sync(() => execFileSync("mkfifo", ["-m", "666", path]))
  })
})
