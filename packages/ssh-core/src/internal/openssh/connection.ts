/** A connection that the system's `ssh` makes and holds, with the driver's channels over it. */
import { Deferred, Effect, Exit, type FileSystem, Queue, type Redacted, Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type * as Ssh2 from "ssh2"
import type { Platform } from "../../ClientPlatform.ts"
import * as SshError from "../../SshError.ts"
import { isDropbear } from "../dropbear.ts"
import * as Forwarding from "../forwarding.ts"
import * as Sessions from "../sessions.ts"
import * as Arguments from "./arguments.ts"
import * as Askpass from "./askpass.ts"
import * as Failure from "./failure.ts"
import * as Master from "./master.ts"
import * as MuxClient from "./muxClient.ts"
import { ProcessClient } from "./processClient.ts"
import * as RemoteForward from "./remoteForward.ts"
import type { Report } from "./report.ts"

export interface Options extends Arguments.Settings {
  readonly spawner: ChildProcessSpawner.ChildProcessSpawner["Service"]
  readonly fs: FileSystem.FileSystem
  readonly platform: Platform
  readonly program: string
  readonly endpoint: Failure.Endpoint
  readonly sessions: Sessions.Options
  /** The connection may be shared by a control socket. */
  readonly shares: boolean
  /** To be given when `ssh` asks for it, over a connection that is shared. */
  readonly login: Pick<Askpass.Options, "user" | "hosts" | "hasJumps"> & {
    readonly password: Redacted.Redacted<string> | undefined
  }
  /** Has the last word on the host, once it is known. */
  readonly accept: (report: Report) => Effect.Effect<void, SshError.SshError>
}

export interface Connected {
  readonly client: Ssh2.Client
  readonly identification: string
  /** What was said until the login was over. */
  readonly report: Report
  readonly sessions: Sessions.Sessions
  readonly isOpen: () => boolean
  /** Done when the connection is over, with the reason in words. */
  readonly forwarding: Forwarding.Forwarding
  readonly closed: Effect.Effect<string>
  readonly whyClosed: () => string | undefined
}

/** A path of a socket has about 100 characters, and ssh adds 17 of its own while it makes one. */
const longestSocketPath = 80

const privateFolder = (fs: FileSystem.FileSystem) =>
  fs.makeTempDirectoryScoped({ prefix: "toehold-" }).pipe(
    Effect.filterOrElse(
      (folder) => folder.length < longestSocketPath,
      () => fs.makeTempDirectoryScoped({ directory: "/tmp", prefix: "toehold-" })
    ),
    Effect.mapError((error) =>
      SshError.make(new SshError.FileFailed({ path: "the folder for temporary files", detail: error.message }))
    )
  )

/** What stands for the driver's own client, and how it goes through the machine. */
interface Channels extends MuxClient.MuxClient {
  readonly listen: Forwarding.Forwarding["listen"]
}

/** Asks for something that the server answers, and so has heard all before it. */
const heard = (client: Ssh2.Client): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    client.forwardOut("127.0.0.1", 0, "127.0.0.1", 1, (error, channel) => {
      if (error === undefined) channel.close()
      resume(Effect.void)
    })
  }).pipe(Effect.timeoutOption("5 seconds"), Effect.asVoid)

/** Every channel is an `ssh` of its own; the connection that is held says when all of that is over. */
const apart = Effect.fnUntraced(function* (
  options: Options,
  ssh: Master.Ssh
): Effect.fn.Return<Channels, never, Scope.Scope> {
  const closed = Deferred.makeUnsafe<void>()
  const client = yield* Effect.acquireRelease(
    Effect.sync(
      () => new ProcessClient(options.program, (flags, command) => Arguments.single(options, flags, command))
    ),
    (client) => Effect.sync(() => client.end())
  )
  client.once("close", () => Deferred.doneUnsafe(closed, Effect.void))
  yield* Effect.forkScoped(
    Effect.andThen(
      ssh.ended,
      Effect.sync(() => client.end())
    )
  )
  return {
    client: client as unknown as Ssh2.Client, // as far as it is used: see ProcessClient
    closed,
    listen: () => Effect.fail(SshError.make(Failure.notShared))
  }
})

/** Connects by `ssh` and waits until channels can be had. */
const open = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Channels & { readonly report: Report }, SshError.SshError, Scope.Scope> {
  const { endpoint, platform, program, spawner } = options
  const folder = options.shares ? yield* privateFolder(options.fs) : undefined
  const socket = folder === undefined ? undefined : `${folder}/s`
  const { password } = options.login
  const env =
    password === undefined || folder === undefined
      ? {}
      : yield* Askpass.make({ ...options.login, platform, fs: options.fs, folder, password })
  const ready = yield* Queue.unbounded<void>()
  const ssh = yield* Master.start(spawner, platform, program, Arguments.holding(options, socket), env, (report) =>
    report.takeReady() ? Effect.asVoid(Queue.offer(ready, undefined)) : Effect.void
  )
  // Without a shared connection each command would log in, and ask, by itself.
  const unshared =
    password === undefined ? apart(options, ssh) : Effect.fail(SshError.make(Failure.noPassword(program)))
  const shared = (folder: string) =>
    Effect.suspend(() => MuxClient.open(`${folder}/s`, ssh.report.identification)).pipe(
      Effect.map((opened): Channels => {
        const isOpen = () => !Deferred.isDoneUnsafe(opened.closed)
        const { client } = opened
        return { ...opened, listen: RemoteForward.make({ spawner, program, folder, isOpen, heard: heard(client) }) }
      })
    )
  // A jump host's ssh says the same before this one does: then there is no socket yet.
  const attempt =
    folder === undefined
      ? Effect.andThen(Queue.take(ready), unshared)
      : Queue.take(ready).pipe(
          Effect.andThen(shared(folder)),
          Effect.retry({ while: ({ isMissing }) => isMissing }),
          Effect.catch(() => unshared)
        )
  const channels = yield* attempt.pipe(
    Effect.raceFirst(
      Effect.flatMap(ssh.ended, () => Effect.suspend(() => Effect.fail(Failure.classify(ssh.report, endpoint))))
    ),
    Effect.timeoutOrElse({
      duration: options.connectTimeout,
      orElse: () => Effect.suspend(() => Effect.fail(Failure.timedOut(ssh.report, endpoint)))
    })
  )
  yield* options.accept(ssh.report)
  return { ...channels, report: ssh.report }
})

export const connect = Effect.fn("OpenSsh.connect")(function* (
  options: Options
): Effect.fn.Return<Connected, SshError.SshError, Scope.Scope> {
  // An attempt that fails leaves nothing open, however long the caller's scope lasts.
  const own = yield* Scope.fork(yield* Effect.scope)
  const { client, closed, listen, report } = yield* open(options).pipe(
    Scope.provide(own),
    Effect.onError((cause) => Scope.close(own, Exit.failCause(cause)))
  )
  const { identification } = report
  const isOpen = () => !Deferred.isDoneUnsafe(closed)
  // Each would be a connection of its own.
  const isShared = !((client as unknown) instanceof ProcessClient)
  const lastWords = () => report.words.at(-1) ?? "ssh ended it"
  const sessions = yield* Sessions.make(
    { client, identification, isOpen },
    { ...options.sessions, spares: isDropbear(identification) || !isShared ? 0 : options.sessions.spares }
  )
  return {
    client,
    identification,
    report,
    sessions,
    isOpen,
    forwarding: {
      ...Forwarding.make({ client, identification, isOpen, host: options.endpoint.host }),
      listen
    },
    closed: Effect.map(Deferred.await(closed), lastWords),
    whyClosed: () => (isOpen() ? undefined : lastWords())
  }
})
