import { assert, it } from "@effect/vitest"
import { Effect, FileSystem, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as RealPart from "@toehold/lab/RealPart"
import * as Machines from "./support/machines.ts"

const sh = (script: string, options: ChildProcess.CommandOptions = {}) =>
  ChildProcess.make("/bin/sh", ["-c", script], options)

const all = Uint8Array.from({ length: 256 * 128 }, (_, index) => index)

const limit = 120_000

RealPart.describeWith(RealPart.guestParts, "a guest with nothing but a console", () => {
  for (const system of ["debian", "busybox"] as const) {
    it.layer(Machines.guest({ system }), { excludeTestServices: true, timeout: limit })(system, (it) => {
      it.effect(
        "runs several processes at once, their streams apart",
        () =>
          Effect.gen(function* () {
            const processes = yield* ChildProcessSpawner.ChildProcessSpawner
            const one = Effect.fnUntraced(function* (index: number) {
              const handle = yield* processes.spawn(sh(`echo out ${index}; echo err ${index} >&2; exit ${index}`))
              const [stdout, stderr, exitCode] = yield* Effect.all(
                [
                  Stream.mkString(Stream.decodeText(handle.stdout)),
                  Stream.mkString(Stream.decodeText(handle.stderr)),
                  handle.exitCode
                ],
                { concurrency: "unbounded" }
              )
              assert.deepStrictEqual([stdout, stderr, Number(exitCode)], [`out ${index}\n`, `err ${index}\n`, index])
            }, Effect.scoped)
            yield* Effect.forEach([0, 3, 143], one, { concurrency: "unbounded" })
          }),
        limit
      )

      it.effect(
        "kills a group, and says by which signal",
        () =>
          Effect.gen(function* () {
            const processes = yield* ChildProcessSpawner.ChildProcessSpawner
            const handle = yield* processes.spawn(sh("trap '' TERM; echo ready; sleep 600 & sleep 600; sleep 600"))
            yield* Stream.runDrain(Stream.take(handle.stdout, 1))
            yield* handle.kill({ forceKillAfter: "300 millis" })
            const error = yield* Effect.flip(handle.exitCode)
            assert.include(String(error.reason.cause), "SIGKILL")
            const left = yield* processes.exitCode(sh(`kill -0 -${handle.pid}`, { stderr: "ignore" }))
            assert.notStrictEqual(Number(left), 0)
          }).pipe(Effect.scoped),
        limit
      )

      it.effect(
        "takes and gives every byte value, by processes and by files",
        () =>
          Effect.gen(function* () {
            const processes = yield* ChildProcessSpawner.ChildProcessSpawner
            const files = yield* FileSystem.FileSystem
            const handle = yield* processes.spawn(ChildProcess.make("cat", [], { stdin: Stream.make(all) }))
            assert.isTrue(Buffer.concat(yield* Stream.runCollect(handle.stdout)).equals(all))
            const folder = yield* files.makeTempDirectoryScoped()
            yield* files.writeFile(`${folder}/all`, all)
            assert.isTrue(Buffer.from(yield* files.readFile(`${folder}/all`)).equals(all))
            assert.strictEqual(Number((yield* files.stat(`${folder}/all`)).size), all.length)
            const missing = yield* Effect.flip(files.readFile(`${folder}/none`))
            assert.strictEqual(missing.reason._tag, "NotFound")
          }).pipe(Effect.scoped),
        limit
      )
    })
  }
})
