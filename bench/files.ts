/** 400 MB each way: by SshFiles' stream and sink, by `scp`, by `sftp`, and by `cat` over `ssh`. */
import { Effect, FileSystem, PlatformError, type Scope, Stream } from "effect"
import { ChildProcessSpawner } from "effect/process"
import { type ChildProcess, spawn } from "node:child_process"
import { knownHostsLine, type SshServer, sshArguments } from "@toehold/lab/SshServer"
import { SshClient } from "@toehold/ssh-core/SshClient"
import * as SshFiles from "@toehold/ssh-core/SshFiles"
import { program } from "./peers.ts"
import { ratioOf, report } from "./report.ts"
import { type Contender, rounds } from "./rounds.ts"
import { connect, type Services } from "./toehold.ts"

const megabytes = 400
const bytes = megabytes * 1_000_000

const noSpawner = ChildProcessSpawner.make(() =>
  Effect.fail(PlatformError.systemError({ _tag: "NotFound", module: "ChildProcess", method: "spawn" }))
)

/** The files of the server over a connection of its own, as scp and sftp have one. */
const remoteFiles = (server: SshServer) =>
  Effect.gen(function* () {
    const ssh = yield* connect(server, { spareSessions: 0 })
    return yield* SshFiles.make().pipe(
      Effect.provideService(SshClient, ssh),
      Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, noSpawner)
    )
  })

const copied = (
  from: Pick<FileSystem.FileSystem, "stream">,
  fromPath: string,
  to: Pick<FileSystem.FileSystem, "sink">,
  toPath: string
) => Stream.run(from.stream(fromPath, { chunkSize: 256 * 1024 }), to.sink(toPath)).pipe(Effect.orDie)

const contendersFor = (server: SshServer, paths: { readonly remote: string; readonly local: string }) => {
  const words = sshArguments(server)
  const own = words.slice(0, words.indexOf("-p"))
  const options = [...own, "-P", String(server.port)]
  const place = `${server.user}@${server.host}`
  const put = `${paths.remote}.put`
  const cat = (download: boolean) =>
    download
      ? program("sh", ["-c", 'exec "$@" >"$0"', `${paths.local}.got`, "ssh", ...words, `cat ${paths.remote}`])
      : program("sh", ["-c", 'exec "$@" <"$0"', paths.local, "ssh", ...words, `cat >${put}`])
  const ours = (download: boolean) =>
    Effect.scoped(
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const remote = yield* remoteFiles(server)
        yield* download ? copied(remote, paths.remote, fs, `${paths.local}.got`) : copied(fs, paths.local, remote, put)
      })
    )
  const named = (download: boolean): ReadonlyArray<Contender<Services>> => [
    { name: "SshFiles", run: Effect.orDie(ours(download)) },
    {
      name: "scp",
      run: program(
        "scp",
        download
          ? [...options, `${place}:${paths.remote}`, `${paths.local}.got`]
          : [...options, paths.local, `${place}:${put}`]
      )
    },
    {
      name: "sftp",
      run: program("sh", [
        "-c",
        'printf "%s\\n" "$0" | exec "$@"',
        download ? `get ${paths.remote} ${paths.local}.got` : `put ${paths.local} ${put}`,
        "sftp",
        ...options,
        "-b",
        "-",
        place
      ])
    },
    { name: "ssh cat", run: cat(download) }
  ]
  return { get: named(true), put: named(false) }
}

/** The port of a proxy with this round trip. */
const slowRoad = (server: SshServer, milliseconds: number): Effect.Effect<number, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<{ readonly child: ChildProcess; readonly port: number }>((resume) => {
      const path = new URL("proxyChild.ts", import.meta.url).pathname
      const child = spawn(process.execPath, [path, String(server.port), String(milliseconds)], {
        stdio: ["ignore", "pipe", "inherit"]
      })
      child.stdout.once("data", (data: Buffer) => resume(Effect.succeed({ child, port: Number(data) })))
    }),
    ({ child }) => Effect.sync(() => void child.kill())
  ).pipe(Effect.map(({ port }) => port))

const makeFile = (path: string) => program("sh", ["-c", 'head -c "$1" /dev/urandom >"$0"', path, String(bytes)])

/** Collects as the program does: a large heap of its own makes each full collection dear, and every buffer brings one closer. */
const asTheProgram = Effect.promise(async () => {
  const memory: { readonly keepMemoryLow: (what: "files") => void } = await import(
    new URL("../apps/cli/src/memory.ts", import.meta.url).href
  )
  memory.keepMemoryLow("files")
})

export const files = Effect.fnUntraced(function* (server: SshServer) {
  yield* asTheProgram
  const paths = { remote: `${server.tempDir}/remote`, local: `${server.tempDir}/local` }
  yield* makeFile(paths.remote)
  yield* makeFile(paths.local)
  const compare = program("cmp", [paths.remote, `${paths.local}.got`])
  const comparePut = program("cmp", [paths.local, `${paths.remote}.put`])
  let met = true
  const measure = Effect.fnUntraced(function* (title: string, at: SshServer, count: number, far: boolean) {
    const contenders = contendersFor(at, paths)
    for (const [direction, check] of [
      ["get", compare],
      ["put", comparePut]
    ] as const) {
      const milliseconds = yield* rounds(contenders[direction], { count, warmup: 1 })
      yield* check
      const figures = Object.fromEntries(
        Object.entries(milliseconds).map(([name, all]) => [name, all.map((each) => (megabytes * 1000) / each)])
      )
      const targets = far
        ? (["scp", "sftp"] as const).map((peer) => ({
            what: `SshFiles / ${peer}`,
            ratio: ratioOf(figures, "SshFiles", peer),
            atLeast: 2
          }))
        : [{ what: "SshFiles / scp", ratio: ratioOf(figures, "SshFiles", "scp"), atLeast: 1 }]
      met = (yield* report(`files-${title}-${direction}`, figures, targets, "MB/s")) && met
    }
  })
  yield* measure("loopback", server, 5, false)
  const port = yield* slowRoad(server, 50)
  const knownHosts = server.hostKeys.map((key) => knownHostsLine(server.host, port, key))
  const knownHostsPath = `${server.tempDir}/known_hosts_far`
  const fs = yield* FileSystem.FileSystem
  yield* fs.writeFileString(knownHostsPath, `${knownHosts.join("\n")}\n`)
  yield* measure("50ms", { ...server, port, knownHosts, knownHostsPath }, 3, true)
  return met
})
