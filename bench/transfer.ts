/** Files and trees over SSH: the program against `scp`, `sftp` and `tar | ssh tar`, each started anew. */
import { Effect, type Scope } from "effect"
import type { SshServer } from "@toehold/lab/SshServer"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import { execFile } from "node:child_process"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Peers from "./peers.ts"
import { bundle } from "./program.ts"
import { type Contender, type Figures, rounds } from "./rounds.ts"
import { ratioOf, report } from "./report.ts"

const largeBytes = 400_000_000
const files = 10_000
const folders = 100

/** `sftp -r` takes minutes for all of them: its time grows with their number, so a part is timed and multiplied. */
const sampled = 500

interface Place {
  readonly server: SshServer
  readonly port: number
  /** What is sent, and where it goes, on both sides: the server is this machine. */
  readonly root: string
}

const common = ({ server }: Place): ReadonlyArray<string> => [
  "-F",
  "none",
  "-o",
  "BatchMode=yes",
  "-o",
  "LogLevel=ERROR",
  "-o",
  "StrictHostKeyChecking=no",
  "-o",
  "UserKnownHostsFile=/dev/null",
  "-o",
  "IdentitiesOnly=yes",
  "-i",
  server.privateKeyPath
]

const address = ({ server }: Place): string => `${server.user}@${server.host}`

/** A new name each time, so that nobody finds what another one left. */
const target = (place: Place): string => Path.join(place.root, `to-${Crypto.randomUUID()}`)

/** Removes what a contender made, outside of what is timed by the next one as much as by itself. */
const removed = (path: string) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))

const into = (place: Place, run: (path: string) => Effect.Effect<unknown>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const path = target(place)
    return Effect.ensuring(run(path), removed(path)).pipe(Effect.asVoid)
  })

const toehold = (place: Place, verb: "put" | "get", source: string, path: string) => {
  const { port, server } = place
  const there = `${address(place)}:${port}:`
  const words = verb === "put" ? [source, `${there}${path}`] : [`${there}${source}`, path]
  const flags = ["-F", "none", "-i", server.privateKeyPath, "--host-key", "off", "--json"]
  return Peers.program(process.execPath, [bundle(), verb, ...words, ...flags])
}

const scp = (place: Place, verb: "put" | "get", source: string, path: string) => {
  const there = `${address(place)}:`
  const words = verb === "put" ? [source, `${there}${path}`] : [`${there}${source}`, path]
  return Peers.program("scp", ["-q", "-P", String(place.port), ...common(place), ...words])
}

/** A program that reads its commands from its standard input. */
const fed = (program: string, args: ReadonlyArray<string>, input: string): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const child = execFile(program, args, { maxBuffer: 1 << 26 }, (error) =>
      resume(error === null ? Effect.void : Effect.die(error))
    )
    child.stdin?.end(input)
  })

const sftp = (place: Place, command: string) =>
  fed("sftp", ["-q", "-b", "-", "-P", String(place.port), ...common(place), address(place)], `${command}\n`)

const tar = (place: Place, verb: "put" | "get", source: string, path: string) => {
  const ssh = ["ssh", "-p", String(place.port), ...common(place), address(place)].map((word) => `'${word}'`).join(" ")
  const text =
    verb === "put"
      ? `tar -C '${source}' -cf - . | ${ssh} "mkdir -p '${path}' && tar -C '${path}' -xpf -"`
      : `mkdir -p '${path}' && ${ssh} "tar -C '${source}' -cf - ." | tar -C '${path}' -xpf -`
  return Peers.program("sh", ["-c", text])
}

/** The time of a part of the files as that of all of them. */
const scaled = (figures: Figures, name: string): Figures => ({
  ...figures,
  [name]: (figures[name] ?? []).map((milliseconds) => (milliseconds * files) / sampled)
})

const large = Effect.fnUntraced(function* (
  place: Place,
  name: string,
  atLeast: number,
  count: number,
  peers: ReadonlyArray<"scp" | "sftp">
) {
  const source = Path.join(place.root, "large")
  let met = true
  for (const verb of ["put", "get"] as const) {
    const contenders: ReadonlyArray<Contender<never>> = [
      { name: "toehold", run: into(place, (path) => toehold(place, verb, source, path)) },
      { name: "scp", run: into(place, (path) => scp(place, verb, source, path)) },
      { name: "sftp", run: into(place, (path) => sftp(place, `${verb} ${source} ${path}`)) }
    ]
    const figures = yield* rounds(contenders, { count, warmup: 1 })
    const targets = peers.map((peer) => ({
      what: `${peer} / toehold`,
      ratio: ratioOf(figures, peer, "toehold"),
      atLeast
    }))
    met = (yield* report(`transfer-${name}-${verb}`, figures, targets)) && met
  }
  return met
})

const small = Effect.fnUntraced(function* (place: Place) {
  const source = Path.join(place.root, "many")
  const part = Path.join(place.root, "part")
  let met = true
  for (const verb of ["put", "get"] as const) {
    const slow = yield* rounds(
      [
        {
          name: "sftp -r",
          run: into(place, (path) =>
            Effect.andThen(
              Effect.sync(() => Fs.mkdirSync(path)),
              sftp(place, `${verb} -R ${part} ${path}`)
            )
          )
        }
      ],
      { count: 1, warmup: 0 }
    )
    const figures = yield* rounds(
      [
        { name: "toehold", run: into(place, (path) => toehold(place, verb, source, path)) },
        { name: "tar | ssh tar", run: into(place, (path) => tar(place, verb, source, path)) }
      ],
      { count: 7, warmup: 1 }
    )
    const all = scaled({ ...figures, ...slow }, "sftp -r")
    met =
      (yield* report(`transfer-small-${verb}`, all, [
        { what: "sftp -r / toehold", ratio: ratioOf(all, "sftp -r", "toehold"), atLeast: 20 },
        { what: "toehold / tar | ssh tar", ratio: ratioOf(all, "toehold", "tar | ssh tar"), atMost: 1.3 }
      ])) && met
  }
  return met
})

const fill = (root: string): void => {
  Fs.writeFileSync(Path.join(root, "large"), Crypto.randomBytes(largeBytes))
  for (const [name, count] of [
    ["many", files],
    ["part", sampled]
  ] as const) {
    for (let index = 0; index < count; index++) {
      const folder = Path.join(root, name, `folder ${index % folders}`.replace(" ", "-"))
      Fs.mkdirSync(folder, { recursive: true })
      Fs.writeFileSync(Path.join(folder, `file-${index}`), Crypto.randomBytes(4096))
    }
  }
}

const makeRoot: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync("/dev/shm/toehold-bench-")),
  (root) => Effect.sync(() => Fs.rmSync(root, { recursive: true, force: true }))
)

export const transfer = Effect.fnUntraced(function* (server: SshServer) {
  const root = yield* makeRoot
  fill(root)
  Fs.chmodSync(root, 0o777)
  const near: Place = { server, port: server.port, root }
  const onLoopback = yield* large(near, "loopback", 1, 5, ["scp"])
  const proxy = yield* FaultProxy.make({ target: { host: server.host, port: server.port } })
  yield* proxy.setRoundTrip("50 millis")
  const farAway = yield* large({ ...near, port: proxy.port }, "50ms", 2, 3, ["scp", "sftp"])
  yield* proxy.setRoundTrip("20 millis")
  const many = yield* small({ ...near, port: proxy.port })
  return onLoopback && farAway && many
})
