import * as NodeServices from "@effect/platform-node/NodeServices"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as ContainerServer from "@toehold/lab/ContainerServer"
import * as RealPart from "@toehold/lab/RealPart"
import { sshArguments } from "@toehold/lab/SshServer"

const buildLimit = 600_000

RealPart.describeWith(["docker", "mmdebstrap", "ssh"], "a server in a container", () => {
  it.live.each(["debian-openssh", "busybox-dropbear"] as const)(
    "%s lets its accounts in, and is gone with its scope",
    (image) =>
      Effect.gen(function* () {
        const { string } = yield* ChildProcessSpawner.ChildProcessSpawner
        const id = yield* Effect.scoped(
          Effect.gen(function* () {
            const server = yield* ContainerServer.make(image, { user: "agent" })
            const whoami = ChildProcess.make("ssh", [...sshArguments(server), "id -un; hostname"])
            const [user = "", container = ""] = (yield* string(whoami)).split("\n")
            expect(user).toBe("agent")
            expect((yield* server.run("id", "-un")).trim()).toBe("root")
            return container
          })
        )
        expect(id).toMatch(/^[0-9a-f]{12}$/)
        expect(yield* string(ChildProcess.make("docker", ["ps", "-aq", "--filter", `id=${id}`]))).toBe("")
      }).pipe(Effect.provide(NodeServices.layer)),
    buildLimit
  )
})
