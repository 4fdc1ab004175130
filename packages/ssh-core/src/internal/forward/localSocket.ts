/** This machine's side of a forwarding: what listens here, and what is connected to from here. */
import { Effect, type Scope } from "effect"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Path from "node:path"
import { isMainThread } from "node:worker_threads"
import { ClientPlatform } from "../../ClientPlatform.ts"
import * as SshError from "../../SshError.ts"
import { type Address, format } from "../streamEnd.ts"
import * as Socket from "../socket.ts"
import { socketPath } from "./endpoint.ts"
import { reset } from "./relay.ts"

const invalid = (detail: string, at: Address, hint?: string): SshError.SshError =>
  SshError.make(new SshError.InvalidArgument({ argument: format(at), detail, ...(hint === undefined ? {} : { hint }) }))

const systemPath = (at: { readonly path: string }): Effect.Effect<string, SshError.SshError, ClientPlatform> =>
  Effect.flatMap(ClientPlatform, (platform) => {
    const path = socketPath(at.path, platform)
    return path === undefined
      ? Effect.fail(
          invalid("Windows has named pipes in place of Unix sockets", at, "Name a pipe: //./pipe/NAME, or use a port.")
        )
      : Effect.succeed(path)
  })

/** What a failed look at the file system means. */
const classifyPath = (
  at: { readonly path: string },
  { code = "", message }: NodeJS.ErrnoException
): SshError.SshError => {
  const { path } = at
  if (code === "ENOENT") return SshError.make(new SshError.NotFound({ path }))
  if (code === "EACCES" || code === "EPERM") return SshError.make(new SshError.PermissionDenied({ path, detail: code }))
  if (code === "ENAMETOOLONG" || code === "EINVAL") return invalid("the path is too long for a socket", at)
  if (code === "ECONNREFUSED") return SshError.make(new SshError.FileFailed({ path, detail: "nothing listens on it" }))
  return SshError.make(new SshError.FileFailed({ path, detail: code === "" ? message : code }))
}

const classifyListen = (at: Address, error: NodeJS.ErrnoException): SshError.SshError => {
  if (error.code === "EADDRINUSE") {
    return SshError.make(new SshError.PortInUse({ side: "local", address: format(at) }))
  }
  if ("path" in at) {
    // Node reports a folder that does not exist as one that may not be written.
    const folder = Path.dirname(at.path)
    const isMissing = error.code === "EACCES" && !Fs.existsSync(folder)
    return isMissing ? SshError.make(new SshError.NotFound({ path: folder })) : classifyPath(at, error)
  }
  const { code = error.message } = error
  if (code === "EACCES") {
    return SshError.make(
      new SshError.PermissionDenied({ path: format(at), detail: "ports below 1024 are the system's" })
    )
  }
  return invalid(
    code === "EADDRNOTAVAIL" || error.syscall === "getaddrinfo"
      ? `this machine has no such address to listen on (${code})`
      : `listening on it failed (${code})`,
    at
  )
}

/** Creates a socket's file for its owner alone, from the first moment on. */
const forOwnerOnly = (listen: () => void): void => {
  // A worker thread can't change the mask, which is the whole process's.
  if (!isMainThread) return listen()
  const before = process.umask(0o177)
  try {
    listen()
  } finally {
    process.umask(before)
  }
}

/** Whether the file is a socket on which nobody listens, as a program leaves it behind that was killed. */
const isLeftOver = (path: string): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const socket = Net.connect(path)
    socket.once("connect", () => resume(Effect.succeed(false)))
    socket.once("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code === "ECONNREFUSED")))
    return Effect.sync(() => socket.destroy())
  })

const removeSocket = (path: string): Effect.Effect<void> =>
  Effect.ignore(
    Effect.try(() => {
      if (Fs.lstatSync(path).isSocket()) Fs.rmSync(path)
    })
  )

const open = (
  at: Address,
  how: Net.ListenOptions,
  onSocket: (socket: Net.Socket) => void
): Effect.Effect<Net.Server, SshError.SshError> =>
  Effect.callback((resume) => {
    const server = Net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
      // Whoever is done with a socket may still be told of its reset.
      socket.on("error", () => undefined)
      onSocket(socket)
    })
    const onError = (error: NodeJS.ErrnoException): void => resume(Effect.fail(classifyListen(at, error)))
    server.once("error", onError)
    server.once("listening", () => {
      // A connection that could not be taken is no reason to end the others.
      server.off("error", onError).on("error", () => undefined)
      resume(Effect.succeed(server))
    })
    if ("path" in at) forOwnerOnly(() => server.listen(how))
    else server.listen(how)
    return Effect.sync(() => server.close())
  })

/**
 * Listens for as long as the scope, and answers where. Connections are handed out before anything of them was read. The
 * file of a socket is its owner's alone, and is removed at the end; one that was left over from a program that was killed
 * is replaced.
 */
export const listen = (
  at: Address,
  onSocket: (socket: Net.Socket) => void
): Effect.Effect<Address, SshError.SshError, Scope.Scope | ClientPlatform> =>
  Effect.gen(function* () {
    const path = "path" in at ? yield* systemPath(at) : undefined
    const how = "path" in at ? { path } : { host: at.host, port: at.port }
    const sockets = new Set<Net.Socket>()
    const attempt = open(at, how, (socket) => {
      sockets.add(socket)
      socket.once("close", () => sockets.delete(socket))
      onSocket(socket)
    })
    const server = yield* Effect.acquireRelease(
      path === undefined
        ? attempt
        : attempt.pipe(
            Effect.catchIf(
              ({ reason }) => reason._tag === "PortInUse",
              (error) =>
                Effect.flatMap(isLeftOver(path), (leftOver) =>
                  leftOver ? Effect.andThen(removeSocket(path), attempt) : Effect.fail(error)
                )
            )
          ),
      (server) =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          for (const socket of sockets) reset(socket)
        }),
      { interruptible: true }
    )
    const bound = server.address()
    return "path" in at || bound === null || typeof bound === "string" ? at : { host: at.host, port: bound.port }
  })

/** A connection to what listens here, or as seen from here, closed with the scope. */
export const connect = (to: Address): Effect.Effect<Net.Socket, SshError.SshError, Scope.Scope | ClientPlatform> =>
  Effect.gen(function* () {
    const how =
      "path" in to ? { path: yield* systemPath(to) } : { host: to.host, port: to.port, autoSelectFamily: true }
    return yield* Effect.acquireRelease(
      Effect.callback<Net.Socket, SshError.SshError>((resume) => {
        const socket = Net.connect({ ...how, allowHalfOpen: true, noDelay: true })
        socket.on("error", (error) =>
          resume(
            Effect.fail(
              "path" in to
                ? classifyPath(to, error)
                : SshError.make(Socket.classify({ ...to, family: undefined }, error))
            )
          )
        )
        socket.once("connect", () => {
          // What it sends first waits for a reader.
          socket.pause()
          resume(Effect.succeed(socket))
        })
        return Effect.sync(() => socket.destroy())
      }),
      (socket) => Effect.sync(() => reset(socket)),
      { interruptible: true }
    )
  })
