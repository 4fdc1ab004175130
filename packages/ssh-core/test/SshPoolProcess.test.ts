import { Effect, Layer } from "effect"
import * as DropbearServer from "@toehold/lab/DropbearServer"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import * as ProcessSuite from "@toehold/lab/ProcessSuite"
import { describeWith } from "@toehold/lab/RealPart"
import type { SshServer } from "@toehold/lab/SshServer"
import * as SshPool from "@toehold/ssh-core/SshPool"
import * as SshProcess from "@toehold/ssh-core/SshProcess"
import { services } from "./support/machine.ts"
import { lineFor, trusting } from "./support/pool.ts"
import { capabilities } from "./support/processes.ts"

const processesOf = <E, R>(start: Effect.Effect<SshServer, E, R>) =>
  SshProcess.layer.pipe(
    Layer.provide(Layer.unwrap(Effect.map(start, (server) => SshPool.layerClient(lineFor(server), trusting)))),
    Layer.provide(SshPool.layer()),
    Layer.provideMerge(services)
  )

describeWith(["sshd"], "SshProcess over a pool", () => {
  ProcessSuite.suite(
    "of connections with two sessions",
    processesOf(OpenSshServer.make({ config: ["MaxSessions 2"] })),
    capabilities
  )
})

describeWith(["dropbear", "dropbearconvert", "private-accounts"], "SshProcess over a pool", () => {
  ProcessSuite.suite("of connections to dropbear", processesOf(DropbearServer.make()), capabilities)
})
