import { assert, it } from "@effect/vitest"
import * as ContainerServer from "@toehold/lab/ContainerServer"
import { describeWith } from "@toehold/lab/RealPart"
import * as Endpoint from "@toehold/transfer/Endpoint"
import * as Transfer from "@toehold/transfer/Transfer"
import { Effect, Fiber } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { accounts, behindProxy, Opened, openedOf } from "./support/distributions.ts"
import { when } from "./support/badNetwork.ts"
import { folders, randomFile, sumOf, writeTree } from "./support/transfers.ts"

/** All that a folder holds: kind, mode and time of each file, where links lead to, checksums. */
const looking = `cd "$1" && find . ! -type l ! -name . -exec stat -c '%n %f %Y' {} + &&
find . -type f -exec sha256sum {} + &&
find . -type l -exec sh -c 'for link; do echo "$link -> $(readlink "$link")"; done' sh {} +`

const size = 8_000_000

const lines = (text: string) => text.trim().split("\n").toSorted()

const setUp = Effect.gen(function* () {
  const server = yield* ContainerServer.ContainerServer
  const machine = yield* Opened
  const { here } = yield* folders
  const there = yield* machine.files.makeTempDirectoryScoped({ prefix: "transfers-" })
  const source = Path.join(here, "tree")
  Fs.mkdirSync(source)
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const look = (folder: string) =>
    Effect.map(spawner.string(ChildProcess.make("sh", ["-c", looking, "sh", folder])), lines)
  const lookThere = (folder: string) => Effect.map(server.run("sh", "-c", looking, "sh", folder), lines)
  return { server, machine, here, there, source, look, lookThere }
})

describeWith(["docker", "mmdebstrap"], "transfers to and from other distributions", () => {
  for (const account of accounts) {
    it.layer(openedOf(account), { excludeTestServices: true })(`as ${account.name}`, (it) => {
      it.effect("bring files and trees over as they are", () =>
        Effect.gen(function* () {
          const { here, look, lookThere, machine, source, there } = yield* setUp
          writeTree(source)
          const put = yield* Transfer.put(machine, { sources: [source], target: there })
          assert.deepInclude(put, { files: 203, links: 8, skipped: 0 })
          const whole = yield* look(source)
          assert.deepStrictEqual(yield* lookThere(`${there}/tree`), whole)
          yield* Transfer.get(machine, { sources: [`${there}/tree`], target: `${here}/back`, verify: true })
          assert.deepStrictEqual(yield* look(`${here}/back`), whole)
          Fs.writeFileSync(Path.join(source, "empty"), "no more")
          Fs.rmSync(Path.join(source, "folder 3's"), { recursive: true })
          const { files, deleted } = yield* Transfer.sync({
            from: yield* Endpoint.local,
            to: machine,
            source: `${source}/`,
            target: `${there}/tree`,
            delete: true
          })
          assert.deepStrictEqual([files, deleted.length > 0], [1, true])
          assert.deepStrictEqual(yield* lookThere(`${there}/tree`), yield* look(source))
        })
      )

      it.effect("go on after the server died, and after it fell silent", () =>
        Effect.gen(function* () {
          const { here, there } = yield* setUp
          const { machine, proxy, server, silence } = yield* behindProxy
          yield* proxy.set("both", { bytesPerSecond: 15_000_000 })
          const sum = randomFile(`${here}/large`, size)
          const faults = [server.restart, silence(Effect.void)] as const
          const [first, second] = account.user === "root" ? faults : faults.toReversed()
          const putting = yield* Effect.forkChild(when(proxy, 2_500_000, first ?? Effect.void))
          const put = yield* Transfer.put(machine, { sources: [`${here}/large`], target: `${there}/` })
          yield* Fiber.join(putting)
          assert.deepInclude(put, { bytes: size, files: 1 })
          assert.include(yield* server.run("sha256sum", `${there}/large`), sum)
          const getting = yield* Effect.forkChild(when(proxy, 2_500_000, second ?? Effect.void))
          const got = yield* Transfer.get(machine, { sources: [`${there}/large`], target: `${here}/back` })
          yield* Fiber.join(getting)
          assert.deepInclude(got, { bytes: size, files: 1 })
          assert.strictEqual(sumOf(`${here}/back`), sum)
          assert.strictEqual(yield* server.run("ls", "-A", there), "large\n")
        })
      )
    })
  }
})
