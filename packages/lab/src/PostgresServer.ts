/**
 * The machine's real PostgreSQL on a free port, in a temporary folder and as a user that isn't root.
 *
 * @since 0.1.0
 */
import { Context, Effect, Exit, FileSystem, Layer, Option, Path, Redacted, Ref, Scope, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { freePort } from "./internal/freePort.ts"
import { LabError } from "./LabError.ts"
import * as RealPart from "./RealPart.ts"

/**
 * The running server.
 *
 * @since 0.1.0
 * @category services
 */
export class PostgresServer extends Context.Service<
  PostgresServer,
  {
    readonly port: number
    /** The URL of a database that was made for this call, with user and password in it. */
    readonly freshDatabase: Effect.Effect<Redacted.Redacted<string>, LabError>
    /** Ends the server, and with it every connection. */
    readonly stop: Effect.Effect<void>
    /** Starts it again on its port with all that it had. */
    readonly restart: Effect.Effect<void, LabError>
  }
>()("@toehold/lab/PostgresServer") {}

const user = "toehold"
const password = "a pass@word"
const host = "127.0.0.1"

/** `nobody` and its group: PostgreSQL refuses to run as root. */
const nobody = 65534

const tail = 2000

const isRoot = (): boolean => process.getuid?.() === 0

/** A command as a user that isn't root, which ends with the tests. */
const asOther = (setpriv: string, command: ReadonlyArray<string>): readonly [string, ...Array<string>] => [
  setpriv,
  ...(isRoot() ? [`--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"] : []),
  "--pdeathsig",
  "INT",
  ...command
]

/**
 * Starts the server. It ends when the scope closes, and its folder is removed.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fn("PostgresServer.make")(function* (): Effect.fn.Return<
  PostgresServer["Service"],
  LabError,
  Scope.Scope | FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner
> {
  const program = RealPart.find("postgres")
  const setpriv = RealPart.find("setpriv")
  if (program === undefined || setpriv === undefined) {
    return yield* new LabError({ message: "There is no postgres or no setpriv on this machine" })
  }
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const outer = yield* Effect.scope
  const bin = path.dirname(yield* fs.realPath(program).pipe(Effect.mapError(failed("No postgres"))))
  const folder = yield* fs
    .makeTempDirectoryScoped({ prefix: "toehold-lab-" })
    .pipe(Effect.mapError(failed("No temporary folder")))
  const passwordFile = path.join(folder, "password")
  yield* fs
    .writeFileString(passwordFile, password)
    .pipe(
      Effect.andThen(isRoot() ? fs.chown(passwordFile, nobody, nobody) : Effect.void),
      Effect.andThen(isRoot() ? fs.chown(folder, nobody, nobody) : Effect.void),
      Effect.mapError(failed("The folder can't be prepared"))
    )
  const data = path.join(folder, "data")

  const run = (name: string, args: ReadonlyArray<string>, env: Record<string, string> = {}) =>
    Effect.gen(function* () {
      const [first, ...rest] = asOther(setpriv, [path.join(bin, name), ...args])
      const handle = yield* spawner.spawn(
        ChildProcess.make(first, rest, { cwd: folder, env, extendEnv: true, stdin: "ignore" })
      )
      const [said, code] = yield* Effect.all([Stream.mkString(Stream.decodeText(handle.all)), handle.exitCode], {
        concurrency: "unbounded"
      })
      if (Number(code) !== 0) return yield* new LabError({ message: `${name} failed:\n${said.slice(-tail)}` })
    }).pipe(
      Effect.scoped,
      Effect.catchTag("PlatformError", (cause) => Effect.fail(failed(`${name} did not run`)(cause)))
    )

  yield* run("initdb", [
    `--pgdata=${data}`,
    `--username=${user}`,
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--no-sync"
  ])
  const port = yield* freePort(host)
  const current = yield* Ref.make(Option.none<Scope.Closeable>())

  const start = Effect.gen(function* () {
    const scope = yield* Scope.fork(outer)
    const [first, ...rest] = asOther(setpriv, [
      program,
      "-D",
      data,
      `--port=${port}`,
      `--listen_addresses=${host}`,
      `--unix_socket_directories=${folder}`,
      "--fsync=off",
      "--max_connections=60"
    ])
    const handle = yield* spawner
      // SIGINT ends its sessions; after a SIGKILL a piece of shared memory would stay.
      .spawn(
        ChildProcess.make(first, rest, {
          cwd: folder,
          stdin: "ignore",
          killSignal: "SIGINT",
          forceKillAfter: "10 seconds"
        })
      )
      .pipe(Scope.provide(scope), Effect.mapError(failed("postgres did not start")))
    const lines = yield* Ref.make("")
    const listens = handle.all.pipe(
      Stream.decodeText,
      Stream.mapEffect((text) => Ref.updateAndGet(lines, (before) => (before + text).slice(-tail))),
      Stream.filter((text) => text.includes("ready to accept connections")),
      Stream.runHead,
      Effect.mapError(failed("postgres can't be read")),
      Effect.flatMap(
        Option.match({
          onNone: () => Effect.flatMap(Ref.get(lines), (said) => new LabError({ message: `postgres ended:\n${said}` })),
          onSome: () => Effect.void
        })
      )
    )
    yield* listens.pipe(Effect.onError(() => Scope.close(scope, Exit.void)))
    // Its log is read to the end, or it would wait for a reader.
    yield* Effect.forkIn(Effect.ignore(Stream.runDrain(handle.all)), scope)
    yield* Ref.set(current, Option.some(scope))
  })
  yield* start

  const count = yield* Ref.make(0)
  return {
    port,
    freshDatabase: Effect.gen(function* () {
      const name = `test_${yield* Ref.updateAndGet(count, (n) => n + 1)}`
      yield* run("createdb", ["-h", host, "-p", String(port), "-U", user, name], { PGPASSWORD: password })
      return Redacted.make(`postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${name}`)
    }),
    stop: Effect.flatMap(
      Ref.getAndSet(current, Option.none()),
      Option.match({ onNone: () => Effect.void, onSome: (scope) => Scope.close(scope, Exit.void) })
    ),
    restart: start
  }
})

const failed =
  (message: string) =>
  (cause: unknown): LabError =>
    new LabError({ message, cause })

/**
 * The server as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<
  PostgresServer,
  LabError,
  FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner
> = Layer.effect(PostgresServer, make())
