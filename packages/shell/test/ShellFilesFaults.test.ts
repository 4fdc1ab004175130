import { assert, it } from "@effect/vitest"
import { Effect, FileSystem, PlatformError, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { describeWith, namespaceArguments, path as programOf } from "@toehold/lab/RealPart"
import * as Leaks from "@toehold/lab/Leaks"
import * as ShellFiles from "@toehold/shell/ShellFiles"
import { machine, services } from "./support/shells.ts"

/** The files of a machine whose processes are started otherwise than they should be. */
const filesOver = (change: (command: ChildProcess.StandardCommand) => ChildProcess.Command) =>
  Effect.gen(function* () {
    const { shell, spawner } = yield* machine({ shell: "dash" })
    return yield* ShellFiles.make({ shell }).pipe(
      Effect.provideService(
        ChildProcessSpawner.ChildProcessSpawner,
        ChildProcessSpawner.make((command) =>
          spawner.spawn(command._tag === "StandardCommand" ? change(command) : command)
        )
      )
    )
  })

const codeOf = (error: PlatformError.PlatformError): unknown =>
  (error.reason.cause as { readonly code?: unknown } | undefined)?.code

const inFolder = <A, E, R>(body: (local: FileSystem.FileSystem, folder: string) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const local = yield* FileSystem.FileSystem
    return yield* body(local, yield* local.makeTempDirectoryScoped())
  }).pipe(Effect.scoped, Effect.provide(services))

describeWith(["dash"], "ShellFiles where something is wrong", () => {
  it.live("puts nothing in place that did not arrive as it was sent", () =>
    inFolder((local, folder) =>
      Effect.gen(function* () {
        const cut = yield* filesOver((command) => {
          const { stdin } = command.options
          return Stream.isStream(stdin)
            ? ChildProcess.make(command.command, command.args, {
                ...command.options,
                stdin: Stream.map(stdin, (chunk) => chunk.subarray(0, chunk.length - 1))
              })
            : command
        })
        yield* local.writeFileString(`${folder}/a`, "old")
        for (const flag of ["w", "a", "r+"] as const) {
          const error = yield* Effect.flip(cut.writeFileString(`${folder}/a`, "newer", { flag }))
          assert.deepStrictEqual([error.reason._tag, codeOf(error)], ["InvalidData", "EBADMSG"])
        }
        yield* Effect.flip(cut.writeFileString(`${folder}/b`, "newer", { flag: "wx" }))
        assert.strictEqual(yield* local.readFileString(`${folder}/a`), "old")
        assert.deepStrictEqual(yield* local.readDirectory(folder), ["a"])
      })
    )
  )

  it.live("keeps a file's owner, mode and further names when it is written anew", () =>
    inFolder((local, folder) =>
      Effect.gen(function* () {
        const files = yield* filesOver((command) => command)
        yield* local.writeFileString(`${folder}/a`, "old", { mode: 0o754 })
        yield* local.chmod(`${folder}/a`, 0o754)
        yield* local.symlink("a", `${folder}/link`)
        const before = yield* local.stat(`${folder}/a`)
        yield* files.writeFileString(`${folder}/link`, "new")
        const after = yield* local.stat(`${folder}/a`)
        assert.deepStrictEqual([after.mode, after.uid, after.gid], [before.mode, before.uid, before.gid])
        assert.notDeepEqual(after.ino, before.ino)
        yield* local.link(`${folder}/a`, `${folder}/b`)
        yield* files.writeFileString(`${folder}/a`, "both")
        assert.strictEqual(yield* local.readFileString(`${folder}/b`), "both")
        assert.deepStrictEqual((yield* local.readDirectory(folder)).sort(), ["a", "b", "link"])
      })
    )
  )

  it.live("says that the disk is full", () =>
    Effect.gen(function* () {
      const files = yield* filesOver((command) => command)
      const data = new Uint8Array(100_000)
      for (const write of [
        files.writeFile("/dev/full", data),
        Stream.run(Stream.make(data), files.sink("/dev/full")),
        Effect.scoped(Effect.flatMap(files.open("/dev/full", { flag: "w" }), (file) => file.writeAll(data)))
      ]) {
        const error = yield* Effect.flip(write)
        assert.deepStrictEqual([error.reason._tag, codeOf(error)], ["Unknown", "ENOSPC"])
        assert.match(error.message, /no space left on the device/)
      }
    }).pipe(Effect.scoped, Effect.provide(services))
  )

  it.live("ends the programs of a stream that is left, and of files that are closed", () =>
    inFolder((local, folder) =>
      Effect.gen(function* () {
        const files = yield* filesOver((command) => command)
        const path = `${folder}/${Leaks.marker()}`
        yield* local.writeFile(path, new Uint8Array(3_000_000))
        yield* Stream.runDrain(Stream.take(files.stream(path), 1))
        yield* Leaks.awaitProcesses(path, 0)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const open = yield* Effect.forEach(
              Array.from({ length: 20 }, () => path),
              (path) => files.open(path),
              { concurrency: 5 }
            )
            assert.lengthOf(open, 20)
            yield* Effect.flip(files.open(`${path}-none`))
          })
        )
        const held = yield* Leaks.processes("sleep 2147483647")
        assert.deepStrictEqual(held, [])
      })
    )
  )

  it.live("says that there is no shell", () =>
    Effect.gen(function* () {
      const files = yield* filesOver((command) => ChildProcess.make("/no/such/shell", command.args, command.options))
      for (const use of [files.readFile("/etc/passwd"), files.exists("/etc/passwd"), files.chmod("/no", 0o644)]) {
        const { reason } = yield* Effect.flip(use)
        assert.deepInclude(reason, { _tag: "Unknown", module: "FileSystem" })
      }
    }).pipe(Effect.scoped, Effect.provide(services))
  )
})

describeWith(["dash", "private-accounts"], "ShellFiles on a small disk", () => {
  it.live("leaves what was there, and no part of what did not fit", () =>
    inFolder((local, folder) =>
      Effect.gen(function* () {
        yield* local.makeDirectory(`${folder}/disk`)
        // Each process has the disk anew, as it was at first.
        const files = yield* filesOver((command) =>
          ChildProcess.prefix(command, programOf("private-accounts"), [
            ...namespaceArguments,
            "/bin/sh",
            "-c",
            `mount -t tmpfs -o size=64k small '${folder}/disk' && echo old >'${folder}/disk/a' && "$@"; s=$?; ` +
              `ls -A '${folder}/disk' >'${folder}/left'; cp '${folder}/disk/a' '${folder}/kept'; exit $s`,
            "sh"
          ])
        )
        const error = yield* Effect.flip(files.writeFile(`${folder}/disk/a`, new Uint8Array(1_000_000)))
        assert.deepStrictEqual([error.reason._tag, codeOf(error)], ["Unknown", "ENOSPC"])
        assert.strictEqual(yield* local.readFileString(`${folder}/left`), "a\n")
        assert.strictEqual(yield* local.readFileString(`${folder}/kept`), "old\n")
      })
    )
  )
})
