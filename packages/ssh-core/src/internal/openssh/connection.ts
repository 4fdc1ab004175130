/** A connection that the system's `ssh` makes and holds, with the driver's channels over it. */
import { Deferred, Effect, Exit, type FileSystem, Queue, Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type * as Ssh2 from "ssh2"
import type { Platform } from "../../ClientPlatform.ts"
import * as SshError from "../../SshError.ts"
import { isDropbear } from "../dropbear.ts"
import * as Sessions from "../sessions.ts"
import * as Arguments from "./arguments.ts"
import * as Failure from "./failure.ts"
import * as Master from "./master.ts"
import * as MuxClient from "./muxClient.ts"
import type { Report } from "./report.ts"

export interface Options extends Arguments.Settings {
  readonly spawner: ChildProcessSpawner.ChildProcessSpawner["Service"]
  readonly fs: FileSystem.FileSystem
  readonly platform: Platform
  readonly program: string
  readonly endpoint: Failure.Endpoint
  readonly sessions: Sessions.Options
}

export interface Connected {
  readonly client: Ssh2.Client
  readonly identification: string
  /** What was said until the login was over. */
  readonly report: Report
  readonly sessions: Sessions.Sessions
  readonly isOpen: () => boolean
  /** Done when the connection is over, with the reason in words. */
  readonly closed: Deferred.Deferred<string>
  readonly whyClosed: () => string | undefined
}

/** A path of a socket has about 100 characters, and ssh adds 17 of its own while it makes one. */
const longestSocketPath = 80

const privateFolder = (fs: FileSystem.FileSystem) =>
  fs.makeTempDirectoryScoped({ prefix: "toehold-" }).pipe(
    Effect.flatMap((folder) =>
      folder.length < longestSocketPath
        ? Effect.succeed(folder)
        : fs.makeTempDirectoryScoped({ directory: "/tmp", prefix: "toehold-" })
    ),
    Effect.mapError((error) =>
      SshError.make(new SshError.FileFailed({ path: "the folder for temporary files", detail: error.message }))
    )
  )

/** Connects by `ssh` and waits until its channels can be had. */
const open = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<{ readonly client: Ssh2.Client; readonly ssh: Master.Ssh }, SshError.SshError, Scope.Scope> {
  const { endpoint, platform, program, spawner } = options
  const socket = `${yield* privateFolder(options.fs)}/s`
  const ready = yield* Queue.unbounded<void>()
  const ssh = yield* Master.start(spawner, platform, program, Arguments.master(options, platform, socket), (report) =>
    report.takeReady() ? Effect.asVoid(Queue.offer(ready, undefined)) : Effect.void
  )
  // A jump host's ssh says the same before this one does: then there is no socket yet.
  const attempt = Queue.take(ready).pipe(
    Effect.andThen(Effect.suspend(() => MuxClient.open(socket, ssh.report.identification))),
    Effect.retry({ while: ({ isMissing }) => isMissing }),
    Effect.mapError(({ detail }) => SshError.make(Failure.noSharing(program, detail)))
  )
  const client = yield* attempt.pipe(
    Effect.raceFirst(
      Effect.flatMap(ssh.ended, () => Effect.suspend(() => Effect.fail(Failure.classify(ssh.report, endpoint))))
    ),
    Effect.timeoutOrElse({
      duration: options.connectTimeout,
      orElse: () => Effect.suspend(() => Effect.fail(Failure.timedOut(ssh.report, endpoint)))
    })
  )
  return { client, ssh }
})

export const connect = Effect.fn("OpenSsh.connect")(function* (
  options: Options
): Effect.fn.Return<Connected, SshError.SshError, Scope.Scope> {
  // An attempt that fails leaves nothing open, however long the caller's scope lasts.
  const own = yield* Scope.fork(yield* Effect.scope)
  const { client, ssh } = yield* open(options).pipe(
    Scope.provide(own),
    Effect.onError((cause) => Scope.close(own, Exit.failCause(cause)))
  )
  const { report } = ssh
  const closed = Deferred.makeUnsafe<string>()
  let reason: string | undefined
  client.once("close", () => {
    reason ??= report.words.at(-1) ?? "ssh ended it"
    Deferred.doneUnsafe(closed, Effect.succeed(reason))
  })
  const { identification } = report
  const isOpen = () => reason === undefined
  const sessions = yield* Sessions.make(
    { client, identification, isOpen },
    { ...options.sessions, spares: isDropbear(identification) ? 0 : options.sessions.spares }
  )
  return { client, identification, report, sessions, isOpen, closed, whyClosed: () => reason }
})
