import { Deferred, Effect, Exit } from "effect"
import type * as Ssh2 from "ssh2"
import { Greeting } from "./greeting.ts"

/** How a command ended: exactly one of the two is set. */
export interface ExitStatus {
  readonly exitCode: number | null
  /** `SIGTERM` and the like. */
  readonly signal: string | null
}

/** How the channel ended: with the command's end, or without anybody knowing it. */
export type Ending =
  | { readonly _tag: "Exited"; readonly status: ExitStatus }
  | { readonly _tag: "Unknown"; readonly connected: boolean; readonly status: ExitStatus | undefined }

export interface Greeted {
  /** Process id of the command. */
  readonly pid: number
  /** `true` when the process id is that of the process group as well. */
  readonly ownGroup: boolean
  /** Path of the command's terminal, as its server names it. */
  readonly tty?: string | undefined
}

/** Where output goes. Called synchronously, in the order of arrival; `pause` holds the flow back. */
export interface OutputSink {
  readonly stdout: (chunk: Buffer) => void
  readonly stderr: (chunk: Buffer) => void
  /** Nothing more comes on one of them; `isWhole` is `false` where the connection was lost before its end. */
  readonly over?: (stream: "stdout" | "stderr", isWhole: boolean) => void
}

/** Output that is kept for a sink that is still to come; past this the flow is held back. */
const maxEarly = 1024 * 1024

/** A login that prints more than this before its shell comes to the command never will come to it. */
const maxPassed = 4 * 1024 * 1024

export interface Options {
  readonly nonce: string
  readonly pty: boolean
  /** The script comes on the standard input, after the greeting. */
  readonly awaitsScript: boolean
  /** Called when the greeting is read, before anything else that follows it. */
  readonly onGreeted: (greeted: Greeted) => void
}

/**
 * One exec channel with the {@link Greeting} taken off its streams: who the command is, what it prints, how it ends.
 * The constructor attaches every listener, so it runs inside the callback that brings the channel.
 */
export class RemoteProcess {
  readonly channel: Ssh2.ClientChannel
  /** Done when the greeting was read; never failed: an end before it shows in {@link ended}. */
  readonly greeted: Deferred.Deferred<Greeted> = Deferred.makeUnsafe()
  readonly ended: Deferred.Deferred<Ending> = Deferred.makeUnsafe()
  /** How the command itself ended, which may be known long before its output was read. */
  readonly exited: Deferred.Deferred<Ending> = Deferred.makeUnsafe()
  /** The script was given to the shell, which may have run it. */
  wasSent: boolean
  /** A signal was asked for. */
  wasKilled = false
  /** The signal that ends what of its group outlives the command; `undefined` where that may stay. */
  leftovers: string | undefined
  readonly hasTerminal: boolean
  readonly #awaitsScript: boolean
  readonly #onGreeted: (greeted: Greeted) => void
  readonly #nonce: string
  #sink: OutputSink | undefined
  readonly #early: Array<readonly ["stdout" | "stderr", Buffer]> = []
  #earlyBytes = 0
  #passed = 0
  #status: ExitStatus | undefined
  readonly #openStreams = new Set(["stdout", "stderr"] as const)
  #noise: ReadonlyArray<Greeting> = []
  #acknowledged = false
  readonly #paused = new Set<"stdout" | "stderr">()
  #closed = false
  #connected = true
  #outputComplete = false

  constructor(channel: Ssh2.ClientChannel, options: Options) {
    this.channel = channel
    this.#nonce = options.nonce
    this.hasTerminal = options.pty
    this.#awaitsScript = options.awaitsScript
    this.wasSent = !options.awaitsScript
    this.#onGreeted = options.onGreeted
    if (options.pty) {
      // A terminal has one stream: the line of stderr comes first on it, the one of stdout second.
      this.#pipe("stdout", channel, [this.#identity, this.#ignored])
      this.#pipe("stderr", channel.stderr, [])
    } else {
      // The login may throw stderr away, and nothing more is known from there than from stdout.
      this.#pipe("stdout", channel, options.awaitsScript ? [this.#identity, this.#acknowledgement] : [this.#identity])
      this.#pipe("stderr", channel.stderr, [this.#identity])
    }
    channel.on("exit", (code: number | null, signal?: string) => {
      const status = code === null ? { exitCode: null, signal: signalName(signal) } : { exitCode: code, signal: null }
      this.#status = status
      Deferred.doneUnsafe(this.exited, Exit.succeed({ _tag: "Exited", status }))
    })
    // A failed write has its own report in the end of the channel.
    channel.on("error", () => undefined)
  }

  get status(): ExitStatus | undefined {
    return this.#status
  }

  /** What was printed before the greeting, for the case that none came. */
  get noise(): string {
    return this.#noise
      .map((greeting) => Buffer.from(greeting.noise).toString("utf8"))
      .join("")
      .trim()
  }

  get isGreeted(): boolean {
    return Deferred.isDoneUnsafe(this.greeted)
  }

  /** The script is known to run, or to have run. */
  get hasStarted(): boolean {
    return this.#awaitsScript ? this.#acknowledged : this.isGreeted
  }

  get isEnded(): boolean {
    return Deferred.isDoneUnsafe(this.ended)
  }

  /** Sends output to `sink` from now on, what came until now first. */
  connect(sink: OutputSink): void {
    this.#sink = sink
    this.resume("stdout")
    this.resume("stderr")
    for (const [stream, chunk] of this.#early.splice(0)) sink[stream](chunk)
    for (const stream of ["stdout", "stderr"] as const) if (!this.#openStreams.has(stream)) this.#over(stream)
  }

  /** Holds one stream back. What the server may send goes for both, so that the other one stops as well in the end. */
  pause(stream: "stdout" | "stderr"): void {
    if (this.#paused.has(stream)) return
    this.#paused.add(stream)
    this.#sourceOf(stream).pause()
  }

  resume(stream: "stdout" | "stderr"): void {
    if (!this.#paused.delete(stream)) return
    this.#sourceOf(stream).resume()
  }

  #sourceOf(stream: "stdout" | "stderr"): NodeJS.ReadableStream {
    return stream === "stdout" ? this.channel : this.channel.stderr
  }

  #over(stream: "stdout" | "stderr"): void {
    this.#sink?.over?.(stream, this.#connected || this.#outputComplete)
  }

  /** The connection is gone. What is still buffered is delivered before {@link ended} is done. */
  connectionClosed(): void {
    // Not in the driver's types: `eof` or `closed` once the server said that no output follows.
    const { incoming } = this.channel as unknown as { readonly incoming?: { readonly state?: string } }
    this.#connected = false
    this.#outputComplete = incoming?.state === "eof" || incoming?.state === "closed"
    Deferred.doneUnsafe(this.exited, Exit.succeed({ _tag: "Unknown", connected: false, status: undefined }))
  }

  readonly #identity = (line: string): void => {
    if (this.isGreeted) return
    const [pid = "", group = "", path = ""] = line.split(" ")
    // It goes into a script again.
    const tty = /^\/dev\/[\w/.-]{1,64}$/.test(path) ? path : undefined
    const greeted = { pid: Number.parseInt(pid, 10), ownGroup: group === "1", tty }
    // To signal process 1 or no number at all is to signal others.
    if (greeted.pid > 1) this.#onGreeted(greeted)
    Deferred.doneUnsafe(this.greeted, Exit.succeed(greeted))
  }

  readonly #acknowledgement = (): void => {
    this.#acknowledged = true
  }

  readonly #ignored = (): void => undefined

  #pipe(
    stream: "stdout" | "stderr",
    source: NodeJS.ReadableStream,
    marks: ReadonlyArray<(line: string) => void>
  ): void {
    const waiting = marks.map((onLine) => ({ greeting: new Greeting(this.#nonce), onLine }))
    this.#noise = [...this.#noise, ...waiting.slice(0, 1).map(({ greeting }) => greeting)]
    source.on("data", (data: Buffer) => {
      let chunk: Buffer | undefined = data
      for (;;) {
        const next = waiting[0]
        if (next === undefined) break
        chunk = next.greeting.push(chunk)
        if (chunk === undefined) return this.#pass(data.length)
        waiting.shift()
        next.onLine(next.greeting.line ?? "")
      }
      if (chunk.length === 0) return
      if (this.#sink === undefined) this.#keep(stream, chunk)
      else this.#sink[stream](chunk)
    })
    source.on("end", () => {
      this.#openStreams.delete(stream)
      this.#over(stream)
      this.#endWhenDrained()
    })
    if (stream === "stdout") {
      source.on("close", () => {
        this.#closed = true
        this.#endWhenDrained()
      })
    }
  }

  /** Bytes of a login's that are no part of the command's output. */
  #pass(bytes: number): void {
    this.#passed += bytes
    if (this.#passed > maxPassed) this.channel.close()
  }

  #keep(stream: "stdout" | "stderr", chunk: Buffer): void {
    this.#early.push([stream, chunk])
    this.#earlyBytes += chunk.length
    if (this.#earlyBytes > maxEarly) {
      this.pause("stdout")
      this.pause("stderr")
    }
  }

  #endWhenDrained(): void {
    if (!this.#closed || this.#openStreams.size > 0) return
    const status = this.#status
    const ending: Ending =
      status !== undefined && (this.#connected || this.#outputComplete)
        ? { _tag: "Exited", status }
        : { _tag: "Unknown", connected: this.#connected, status }
    Deferred.doneUnsafe(this.exited, Exit.succeed(ending))
    Deferred.doneUnsafe(this.ended, Exit.succeed(ending))
  }

  /**
   * Writes to the command's standard input, as fast as the other side takes it. On a closed channel the driver never calls
   * back: `closed` is what is waited for as well.
   */
  write<E = never>(chunk: Uint8Array, closed: Effect.Effect<never, E> = Effect.never): Effect.Effect<void, E> {
    return Effect.suspend(() => {
      if (chunk.length === 0) return Effect.void
      // The driver takes what is written to a connection that is gone, and drops it.
      if (!this.channel.writable || Deferred.isDoneUnsafe(this.exited)) return closed
      const taken = Deferred.makeUnsafe<void>()
      this.channel.write(chunk, () => Deferred.doneUnsafe(taken, Effect.void))
      // It is on its way, encrypted, and its memory may be used for something else.
      if (this.channel.writableLength === 0) return Effect.void
      return Effect.raceFirst(Deferred.await(taken), closed)
    })
  }

  /** Tells the command's terminal its size; the foreground of the terminal gets SIGWINCH for it. */
  resize(size: { readonly rows: number; readonly cols: number }): void {
    this.channel.setWindow(size.rows, size.cols, 0, 0)
  }

  /** Ends the command's standard input, after `last` if it is given. */
  endInput(last?: string | Uint8Array): void {
    if (!this.channel.writable) return
    if (last === undefined) this.channel.end()
    else this.channel.end(last)
  }

  /** Closes the channel and takes no more output: the command is over, or given up. */
  abandon(): void {
    this.#sink = { stdout: () => undefined, stderr: () => undefined }
    this.resume("stdout")
    this.resume("stderr")
    this.channel.close()
  }
}

/** The driver puts `SIG` before whatever the server sent; OpenSSH sends names outside the standard with an `@` part. */
const signalName = (signal: string | undefined): string =>
  (signal ?? "SIGUNKNOWN").replace(/@.*$/, "").replace(/^SIGSIG$/, "SIGUNKNOWN")
