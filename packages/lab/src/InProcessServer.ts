/**
 * An SSH server in the test's own process, with real shells behind it: for machines without `sshd`, and for all that a
 * real server can't be made to do, such as to ask odd questions, to fall silent or to forget an exit status.
 *
 * There is no pty, no SFTP and no forwarding but what `leadsTo` says: such requests are refused.
 *
 * @since 0.1.0
 */
import { Context, Effect, FiberSet, FileSystem, Layer } from "effect"
import type { Path, Scope } from "effect"
import type { Redacted } from "effect"
import type * as ChildProcess from "node:child_process"
import * as Net from "node:net"
import ssh2 from "ssh2"
import type { Connection, ServerChannel, ServerConfig, Session } from "ssh2"
import * as AuthScript from "./AuthScript.ts"
import * as Authentication from "./internal/authentication.ts"
import { currentUser } from "./internal/currentUser.ts"
import * as ProcessTree from "./internal/processTree.ts"
import * as SessionProcess from "./internal/sessionProcess.ts"
import * as Workplace from "./internal/workplace.ts"
import type { KeyPair, KeyType } from "./KeyPair.ts"
import { LabError } from "./LabError.ts"
import * as LoginShell from "./LoginShell.ts"
import type { SshServer } from "./SshServer.ts"

/**
 * Where a connection goes wrong: as soon as it is made, after the server has sent its identification, when the client has
 * sent its own and more, at the first attempt to log in, when a session is opened, when a command is asked for.
 *
 * @since 0.1.0
 * @category models
 */
export type Stage = "connect" | "ident" | "kex" | "auth" | "session" | "exec"

/**
 * From the stage on the connection is ended, reset, or left open without another byte. A client that writes while it is
 * reset may lose what the server sent just before.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fault {
  readonly at: Stage
  readonly by: "fin" | "rst" | "silence"
}

/**
 * What becomes of a command: it runs; its request is refused; its channel is closed without an answer; it is accepted and
 * nothing follows; it is accepted and the connection is reset; it runs, and the exit status is never sent, or is sent
 * before its output.
 *
 * @since 0.1.0
 * @category models
 */
export type ExecBehaviour = "run" | "refuse" | "close" | "silence" | "drop" | "no-status" | "status-first"

/**
 * What may be said of the server; everything has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Default: `127.0.0.1`. */
  readonly address?: "127.0.0.1" | "::1"
  /** Default: Ed25519 and ECDSA. */
  readonly hostKeyTypes?: ReadonlyArray<KeyType>
  /** Host keys that there are already, instead of new ones. */
  readonly hostKeys?: ReadonlyArray<KeyPair>
  /** Default: Ed25519. */
  readonly userKeyType?: KeyType
  /** Runs the commands. Default: `sh`. */
  readonly shell?: LoginShell.LoginShell
  /** Home folder that there is already, instead of a new one; it outlives the server. */
  readonly homeDir?: string
  /** What the commands find in their environment besides the usual. */
  readonly env?: Readonly<Record<string, string>>
  /** Lets in who has it, besides the server's own key. */
  readonly password?: Redacted.Redacted
  /** Decides on logins instead of the key and the password. */
  readonly auth?: AuthScript.AuthScript
  /** Whether a session may be opened, by the number that are open and that have been opened on its connection. */
  readonly acceptsSession?: (open: number, before: number) => boolean
  readonly exec?: (command: string) => ExecBehaviour
  /** What stands at an address as this server sees it, which need not be what its clients see: it makes a jump host. */
  readonly leadsTo?: (host: string, port: number) => { readonly host: string; readonly port: number } | undefined
  readonly fault?: Fault
  /** Identification, greeting, banner and algorithms, as ssh2 names them. */
  readonly ssh2?: Omit<ServerConfig, "hostKeys">
}

/**
 * The running server.
 *
 * @since 0.1.0
 * @category services
 */
export class InProcessServer extends Context.Service<
  InProcessServer,
  SshServer & {
    /** Home folder of the commands, in the temporary folder. */
    readonly homeDir: string
    /** Every attempt to log in so far, over all connections. */
    readonly attempts: Effect.Effect<ReadonlyArray<AuthScript.Attempt>>
    /** Every command that was asked for so far. */
    readonly commands: Effect.Effect<ReadonlyArray<string>>
    /** TCP connections: how many are open, and how many there have been. */
    readonly connections: Effect.Effect<{ readonly open: number; readonly accepted: number }>
    /** Changes the fault for what comes after. */
    readonly setFault: (fault: Fault | undefined) => Effect.Effect<void>
  }
>()("@toehold/lab/InProcessServer") {}

const fail = (socket: Net.Socket, by: Fault["by"]): void => {
  if (by === "fin") socket.end()
  if (by === "rst") socket.resetAndDestroy()
}

/** The driver has no public way to close a session's channel before its request is answered. */
const closeUnanswered = (client: Connection, session: Session): void => {
  const { _protocol: protocol } = client as unknown as {
    readonly _protocol: { readonly channelClose: (id: number) => void }
  }
  const { _chanInfo: channel } = session as unknown as {
    readonly _chanInfo: { readonly outgoing: { readonly id: number } }
  }
  protocol.channelClose(channel.outgoing.id)
}

/** The stages before SSH itself: whatever the client says is read and left without an answer. */
const failEarly = (socket: Net.Socket, fault: Fault, ident: string): void => {
  let heard = ""
  socket.on("data", (chunk) => {
    if (fault.at !== "kex" || heard.length > 4096) return
    heard += chunk.toString("latin1")
    const end = heard.indexOf("\n")
    if (end !== -1 && heard.length > end + 1) fail(socket, fault.by)
  })
  if (fault.at === "connect") {
    fail(socket, fault.by)
    return
  }
  socket.write(`SSH-2.0-${ident}\r\n`, () => {
    if (fault.at === "ident") fail(socket, fault.by)
  })
}

/**
 * Starts the server. The scope ends it with its connections and with every process that its commands started (on Linux
 * also those that left their process group).
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fn("InProcessServer.make")(function* (
  options: Options = {}
): Effect.fn.Return<InProcessServer["Service"], LabError, Scope.Scope | FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const host = options.address ?? "127.0.0.1"
  const user = currentUser().username
  const place = yield* Workplace.make(
    options.userKeyType ?? "ed25519",
    options.hostKeys ?? options.hostKeyTypes ?? ["ed25519", "ecdsa"]
  )
  const shell = yield* LoginShell.resolve(options.shell ?? "sh", place.tempDir)
  const homeDir = options.homeDir ?? place.path("home")
  yield* fs
    .makeDirectory(homeDir, { recursive: true })
    .pipe(Effect.mapError((cause) => new LabError({ message: `Could not make ${homeDir}`, cause })))
  const script =
    options.auth ??
    AuthScript.standard({
      keys: [place.key.blob],
      ...(options.password === undefined ? {} : { password: options.password })
    })
  const run = yield* FiberSet.makeRuntime<never>()

  const sockets = new Set<Net.Socket>()
  const children = new Map<ChildProcess.ChildProcess, Net.Socket>()
  const attempts: Array<AuthScript.Attempt> = []
  const commands: Array<string> = []
  const lines: Array<string> = []
  let accepted = 0
  let { fault } = options

  /** Whether the connection ended or fell silent at this stage. */
  const failsAt = (stage: Stage, socket: Net.Socket): boolean => {
    if (fault?.at !== stage) return false
    lines.push(`fault at ${stage} by ${fault.by}`)
    fail(socket, fault.by)
    return true
  }

  const onSession = (client: Connection, session: Session, socket: Net.Socket, onOver: () => void): void => {
    const env: Record<string, string> = {
      HOME: homeDir,
      USER: user,
      LOGNAME: user,
      SHELL: shell,
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      ...options.env,
      SSH_CONNECTION: `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`
    }
    let child: ChildProcess.ChildProcess | undefined
    // The callbacks are missing where the client wants no reply, whatever the types say.
    session.on("env", (accept: (() => void) | undefined, _reject, { key, val }) => {
      env[key] = val
      accept?.()
    })
    session.on("signal", (accept: (() => void) | undefined, _reject, { name }) => {
      lines.push(`signal ${name}`)
      if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        ProcessTree.signalGroup(child.pid, name)
      }
      accept?.()
    })
    const serve = (command: string | undefined, accept: () => ServerChannel, reject: () => void): void => {
      commands.push(command ?? "")
      lines.push(command === undefined ? "shell" : `exec ${command}`)
      if (failsAt("exec", socket)) return
      const behaviour = options.exec?.(command ?? "") ?? "run"
      if (behaviour === "refuse" || behaviour === "close") {
        if (behaviour === "refuse") reject()
        else closeUnanswered(client, session)
        onOver()
        return
      }
      const channel = accept()
      channel.on("error", () => {})
      channel.once("close", onOver)
      if (behaviour === "silence") {
        channel.resume()
        return
      }
      if (behaviour === "drop") {
        // The reply leaves first.
        socket.write("", () => socket.resetAndDestroy())
        return
      }
      const status = behaviour === "no-status" ? "never" : behaviour === "status-first" ? "before-output" : "at-exit"
      const started = SessionProcess.start(channel, { shell, command, env, cwd: homeDir, status })
      child = started
      children.set(started, socket)
      started.once("close", () => children.delete(started))
    }
    session.on("close", () => lines.push("session closed"))
    session.on("exec", (accept, reject, { command }) => serve(command, accept, reject))
    session.on("shell", (accept, reject) => serve(undefined, accept, reject))
  }

  const onConnection = (client: Connection, socket: Net.Socket): void => {
    const before: Array<AuthScript.Attempt> = []
    const note = (attempt: AuthScript.Attempt): ReadonlyArray<AuthScript.Attempt> => {
      attempts.push(attempt)
      lines.push(`auth ${attempt.method} for ${attempt.user}`)
      return before.slice(0, before.push(attempt) - 1)
    }
    let open = 0
    let total = 0
    client.on("error", (error) => lines.push(`error: ${error.message}`))
    client.on("authentication", (context) => {
      if (!failsAt("auth", socket)) run(Authentication.answer(context, script, note))
    })
    client.on("tcpip", (accept, reject, { destIP, destPort }) => {
      lines.push(`stream to ${destIP}:${destPort}`)
      const to = options.leadsTo?.(destIP, destPort)
      if (to === undefined) return reject()
      const far = Net.connect(to)
      far.once("error", reject)
      far.once("connect", () => {
        const channel = accept()
        for (const end of [far, channel]) end.on("error", () => {})
        channel.once("close", () => far.destroy())
        far.pipe(channel)
        channel.pipe(far)
      })
    })
    client.on("session", (accept, reject) => {
      if (failsAt("session", socket)) return
      if (options.acceptsSession?.(open, total) === false) {
        lines.push("session refused")
        reject()
        return
      }
      open++
      total++
      onSession(client, accept(), socket, () => open--)
    })
  }

  const ssh = yield* Effect.try({
    try: () => new ssh2.Server({ ...options.ssh2, hostKeys: place.hostKeys.map((key) => key.privateKey) }),
    catch: (cause) => new LabError({ message: "The in-process server's options don't fit", cause })
  })
  ssh.on("connection", (client, info) => {
    const socket = [...sockets].find((candidate) => candidate.remotePort === info.port)
    if (socket !== undefined) onConnection(client, socket)
  })

  const server = Net.createServer({ noDelay: true }, (socket) => {
    accepted++
    sockets.add(socket)
    lines.push(`connection from port ${socket.remotePort}`)
    socket
      .on("error", () => {})
      .once("close", () => {
        sockets.delete(socket)
        for (const [child, owner] of children) if (owner === socket) SessionProcess.abandon(child)
      })
    if (fault !== undefined && (fault.at === "connect" || fault.at === "ident" || fault.at === "kex")) {
      lines.push(`fault at ${fault.at} by ${fault.by}`)
      failEarly(socket, fault, options.ssh2?.ident ?? "lab")
    } else ssh.injectSocket(socket)
  })
  const port = yield* Effect.acquireRelease(
    Effect.callback<number, LabError>((resume) => {
      server.once("error", (cause) => resume(Effect.fail(new LabError({ message: `Can't listen on ${host}`, cause }))))
      server.listen(0, host, () => {
        const bound = server.address()
        resume(Effect.succeed(bound === null || typeof bound === "string" ? 0 : bound.port))
      })
    }),
    (port) =>
      Effect.suspend(() => {
        server.close()
        for (const socket of sockets) socket.destroy()
        for (const { pid } of children.keys()) if (pid !== undefined) ProcessTree.signalGroup(pid, "KILL")
        return ProcessTree.end(ProcessTree.sessionsOf(port))
      })
  )
  const described = yield* Workplace.describe(place, { host, port, user, log: Effect.sync(() => lines.join("\n")) })
  return {
    ...described,
    homeDir,
    attempts: Effect.sync(() => [...attempts]),
    commands: Effect.sync(() => [...commands]),
    connections: Effect.sync(() => ({ open: sockets.size, accepted })),
    setFault: (next) =>
      Effect.sync(() => {
        fault = next
      })
  }
})

/**
 * The server as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<InProcessServer, LabError, FileSystem.FileSystem | Path.Path> =>
  Layer.effect(InProcessServer, make(options))
