import { Effect, type Scope } from "effect"
import * as Net from "node:net"
import * as SshError from "../SshError.ts"

export interface Address {
  readonly host: string
  readonly port: number
  readonly family: 4 | 6 | undefined
}

export interface OpenSocket {
  readonly socket: Net.Socket
  /** The address that answered. */
  readonly remoteAddress: string
  /**
   * From now on a chunk of data is only good until its listener returns: the next one takes its place in memory. A
   * flood of output then leaves no trail of buffers for the garbage collector.
   */
  readonly reuseChunks: () => void
}

/** Large beside a packet of 32 KiB, so that few of them are put together from two reads. */
const readSize = 256 * 1024

/** How long one address may take while another is left to try; the last one has all the time there is. */
const attemptTimeoutMs = 2500

/**
 * A TCP connection without Nagle's delay, closed with the scope. `onResolved` is called when the name is resolved.
 */
export const open = (
  address: Address,
  onResolved: () => void
): Effect.Effect<OpenSocket, SshError.SshError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<OpenSocket, SshError.SshError>((resume) => {
      let reuse = false
      const buffer = Buffer.allocUnsafeSlow(readSize)
      const socket = Net.connect({
        host: address.host,
        port: address.port,
        ...(address.family === undefined ? {} : { family: address.family }),
        noDelay: true,
        autoSelectFamily: true,
        autoSelectFamilyAttemptTimeout: attemptTimeoutMs,
        onread: {
          buffer,
          callback: (count) => {
            const chunk = buffer.subarray(0, count)
            socket.emit("data", reuse ? chunk : Buffer.from(chunk))
            return true
          }
        }
      })
      // Else what the server says first would be read before anybody listens.
      socket.pause()
      gatherWrites(socket)
      const onError = (error: NodeJS.ErrnoException) => {
        resume(Effect.fail(SshError.make(classify(address, error))))
      }
      // An address is looked up nowhere, and no such event comes.
      if (Net.isIPv4(address.host) || (address.host.includes(":") && Net.isIPv6(address.host))) onResolved()
      else socket.once("lookup", onResolved)
      socket.once("error", onError)
      socket.once("connect", () => {
        // From here to the driver's own listener a reset has no other one, and an unheard error event ends the process.
        socket.on("error", () => undefined).removeListener("error", onError)
        resume(
          Effect.succeed({
            socket,
            remoteAddress: socket.remoteAddress ?? address.host,
            reuseChunks: () => void (reuse = true)
          })
        )
      })
      return Effect.sync(() => socket.destroy())
    }),
    ({ socket }) => Effect.sync(() => socket.destroy()),
    { interruptible: true }
  )

/** More at once saves nothing, and would let the other side wait. */
const gatheredBytes = 256 * 1024

/**
 * The driver writes each packet in three parts; what is written in one turn of the loop goes to the system at once. Each
 * call of the system costs as much as some packets, and more where the other side is woken for it.
 */
const gatherWrites = (socket: Net.Socket): void => {
  const write = socket.write.bind(socket)
  let gathering = false
  const flush = (): void => {
    if (!gathering) return
    gathering = false
    socket.uncork()
  }
  socket.write = ((...args: Parameters<typeof write>) => {
    if (!gathering) {
      gathering = true
      socket.cork()
      setImmediate(flush)
    }
    const isTaken = write(...args)
    if (socket.writableLength >= gatheredBytes) flush()
    return isTaken
  }) as typeof socket.write // the same overloads
  const destroy = socket.destroy.bind(socket)
  // Last words, as far as the system takes them at once.
  socket.destroy = (error) => {
    flush()
    return destroy(error)
  }
}

const unreachable = new Set([
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "ENETDOWN",
  "EHOSTDOWN",
  "EACCES",
  "EPERM"
])

/** What a failed connect means. With several addresses Node reports all failures at once: the most telling one counts. */
export const classify = (address: Address, error: NodeJS.ErrnoException): SshError.Reason => {
  const errors: ReadonlyArray<NodeJS.ErrnoException> = error instanceof AggregateError ? error.errors : [error]
  const codes = errors.map((each) => each.code ?? "")
  const { host, port } = address
  if (error.syscall === "getaddrinfo" || codes.some((code) => code === "ENOTFOUND" || code.startsWith("EAI_"))) {
    return new SshError.DnsFailed({ host, code: codes[0] ?? "unknown" })
  }
  if (codes.includes("ECONNREFUSED")) return new SshError.ConnectionRefused({ host, port })
  const unreachableCode = codes.find((code) => unreachable.has(code))
  if (unreachableCode !== undefined) return new SshError.HostUnreachable({ host, port, code: unreachableCode })
  if (codes.includes("ETIMEDOUT")) return new SshError.HostUnreachable({ host, port, code: "ETIMEDOUT" })
  return new SshError.ConnectionClosed({ host, port, stage: "tcp", detail: codes[0] ?? error.message })
}
