/**
 * The part of the driver that commands and files need, where `ssh` can't share its connection (Windows): every channel is
 * an `ssh` of its own, which connects and logs in anew.
 */
import { randomBytes } from "node:crypto"
import * as ChildProcess from "node:child_process"
import { EventEmitter } from "node:events"
import * as Os from "node:os"
import { Duplex, Readable } from "node:stream"
import type * as Ssh2 from "ssh2"
import { encode } from "../loginWrapper.ts"
import { StatusMark } from "./statusMark.ts"

/** What `ssh` is called with for a channel: its own flags, and what comes after the host. */
export type Arguments = (flags: ReadonlyArray<string>, command: ReadonlyArray<string>) => ReadonlyArray<string>

const signals = new Map(Object.entries(Os.constants.signals).map(([name, number]) => [number, name]))

/**
 * A shell of ours stays beside the command and says how it ended: `ssh` passes no signal on, and comes back only when all
 * who hold the output are gone. It leaves signals to the command.
 */
const watched = (mark: string, request: string): string =>
  `exec /bin/sh -c 'trap : INT HUP TERM; /bin/sh -c "$(printf %b "$1")"; echo "$0 $?" >&2' ${mark} '${encode(request)}'`

const inTerminal = ({ cols, modes, rows }: Ssh2.PseudoTtyOptions, request: string): string => {
  const echo = modes !== undefined && "ECHO" in modes && modes.ECHO === 0 ? " -echo" : ""
  const size = `rows ${rows ?? 24} cols ${cols ?? 80}${echo}`
  return `exec /bin/sh -c 'stty ${size} 2>/dev/null; eval "$(printf %b "$1")"' sh '${encode(request)}'`
}

/** Passes on what a stream of the program brings, as fast as it is read. */
const flow = (from: Readable, to: Readable, each: (chunk: Buffer) => Buffer = (chunk) => chunk): void => {
  from.on("data", (chunk: Buffer) => {
    const bytes = each(chunk)
    if (bytes.length > 0 && !to.push(bytes)) from.pause()
  })
}

/** A channel of the driver, as far as its users know. */
class ProcessChannel extends Duplex {
  readonly stderr: Readable
  readonly #child: ChildProcess.ChildProcessWithoutNullStreams
  /** What the driver knows of both directions: `ssh` looks after the windows. */
  readonly incoming: { state: "open" | "eof"; readonly window: number } = { state: "open", window: Infinity }
  readonly outgoing: { state: "open" | "closed"; readonly packetSize: number } = { state: "open", packetSize: 32_768 }

  constructor(child: ChildProcess.ChildProcessWithoutNullStreams, mark: string | undefined) {
    super({ allowHalfOpen: true, autoDestroy: false })
    this.#child = child
    this.stderr = new Readable({ read: () => void child.stderr.resume() })
    const status = mark === undefined ? undefined : new StatusMark(mark)
    let exited = false
    const exit = (code: number): void => {
      if (exited) return
      exited = true
      const signal = status === undefined ? undefined : signals.get(code - 128)
      if (code > 128 && signal !== undefined) this.emit("exit", null, signal)
      else this.emit("exit", code)
    }
    flow(child.stdout, this)
    flow(child.stderr, this.stderr, (chunk) => {
      const found = status?.push(chunk)
      if (found?.status !== undefined) exit(found.status)
      return found?.bytes ?? chunk
    })
    child.stdin.on("error", () => undefined)
    child.once("error", () => undefined)
    let open = 2
    const drained = (): void => {
      open -= 1
      if (open === 0) this.destroy()
    }
    this.once("end", drained)
    this.stderr.once("end", drained)
    child.once("close", (code) => {
      // 255 is ssh's own, and may be the command's: nobody knows.
      if (status === undefined && code !== null && code !== 255) exit(code)
      const rest = status?.rest() ?? Buffer.alloc(0)
      if (rest.length > 0) this.stderr.push(rest)
      if (code === 0 || (exited && code !== 255)) this.incoming.state = "eof"
      this.outgoing.state = "closed"
      this.push(null)
      this.stderr.push(null)
    })
  }

  override _read(): void {
    this.#child.stdout.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#child.stdin.write(chunk, (error) => callback(error))
  }

  override _final(callback: () => void): void {
    this.#child.stdin.end(callback)
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#child.kill()
    callback(error)
  }

  /** Its end follows when the program's has come. */
  close(): void {
    this.#child.kill()
    this.resume()
    this.stderr.resume()
  }

  /** ssh has no way to pass it on. */
  signal(): void {}
}

/** What of the driver is stood in for. */
export class ProcessClient extends EventEmitter {
  readonly #program: string
  readonly #arguments: Arguments
  readonly #live = new Set<ProcessChannel>()

  constructor(program: string, makeArguments: Arguments) {
    super()
    this.#program = program
    this.#arguments = makeArguments
  }

  exec(request: string, options: Ssh2.ExecOptions, callback: Ssh2.ClientCallback): void {
    if (typeof options.pty === "object") {
      this.#open(["-tt"], [inTerminal(options.pty, request)], undefined, callback)
      return
    }
    const mark = `toehold-${randomBytes(12).toString("hex")}`
    this.#open(["-T"], [watched(mark, request)], mark, callback)
  }

  subsys(name: string, callback: Ssh2.ClientCallback): void {
    this.#open(["-T", "-s"], [name], undefined, callback)
  }

  forwardOut(_host: string, _port: number, host: string, port: number, callback: Ssh2.ClientCallback): void {
    this.#open(["-T", "-W", `${host.includes(":") ? `[${host}]` : host}:${port}`], [], undefined, callback)
  }

  openssh_forwardOutStreamLocal(path: string, callback: Ssh2.ClientCallback): void {
    callback(new Error(`${path}: a socket can't be reached without a shared connection`), undefined as never) // as the driver calls it
  }

  /** Ends every channel: the connection that stood for all of them is gone. */
  end(): void {
    for (const channel of this.#live) channel.close()
    this.emit("close")
  }

  #open(
    flags: ReadonlyArray<string>,
    command: ReadonlyArray<string>,
    mark: string | undefined,
    callback: Ssh2.ClientCallback
  ): void {
    const child = ChildProcess.spawn(this.#program, this.#arguments(flags, command), {
      detached: process.platform !== "win32",
      windowsHide: true,
      env: { ...process.env, SSH_ASKPASS_REQUIRE: "never" }
    })
    const channel = new ProcessChannel(child, mark)
    this.#live.add(channel)
    channel.once("close", () => this.#live.delete(channel))
    child.once("error", (error) => callback(error, undefined as never)) // as the driver calls it
    child.once("spawn", () => callback(undefined, channel as unknown as Ssh2.ClientChannel)) // as far as it is used
  }
}
