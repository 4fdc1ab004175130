/** The process behind an exec or a shell request of the in-process server. */
import * as ChildProcess from "node:child_process"
import type { Readable, Writable } from "node:stream"
import type { ServerChannel } from "ssh2"

export interface Options {
  readonly shell: string
  /** `undefined` for a shell that reads commands from its input. */
  readonly command: string | undefined
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** When the exit status is sent: as soon as the process ended, before the last output, which comes late, or never. */
  readonly status: "at-exit" | "before-output" | "never"
}

/**
 * Writes both outputs into the channel, one chunk at a time. Where stdout and stderr wait for the window together, ssh2
 * wakes only one of them, and sends a chunk of the other again: it never forgets what waited last.
 */
const makePump = (channel: ServerChannel) => {
  const waiting: Array<() => void> = []
  let busy = false
  const next = (): void => {
    busy = false
    for (const name of ["_chunk", "_chunkcb", "_chunkErr", "_chunkcbErr"]) Reflect.set(channel, name, undefined)
    run()
  }
  const run = (): void => {
    const write = busy ? undefined : waiting.shift()
    if (write === undefined) return
    busy = true
    write()
  }
  return {
    add: (source: Readable, sink: Writable, delayMs: number): void => {
      source.on("data", (chunk) => {
        source.pause()
        const write = (): void => {
          sink.write(chunk, () => {
            source.resume()
            next()
          })
        }
        waiting.push(delayMs === 0 ? write : () => setTimeout(write, delayMs))
        run()
      })
    },
    whenIdle: (then: () => void): void => {
      waiting.push(() => {
        next()
        then()
      })
      run()
    }
  }
}

/** How late output is that the exit status comes before, in milliseconds. */
const lateness = 30

/** Starts the process in a process group of its own and serves the channel until both are done. */
export const start = (channel: ServerChannel, options: Options): ChildProcess.ChildProcess => {
  const args = options.command === undefined ? [] : ["-c", options.command]
  const child = ChildProcess.spawn(options.shell, args, { cwd: options.cwd, env: { ...options.env }, detached: true })
  const pump = makePump(channel)
  const delayMs = options.status === "before-output" ? lateness : 0
  const pumpOutput = (): void => {
    pump.add(child.stdout, channel, delayMs)
    pump.add(child.stderr, channel.stderr, delayMs)
  }
  const sendStatus = (code: number | null, signal: string | null): void => {
    if (options.status === "never") return
    if (signal !== null) channel.exit(signal.replace(/^SIG/, ""), false, "")
    else channel.exit(code ?? 255)
  }

  channel.pipe(child.stdin)
  // The process may end with input unread; ssh2 only reports the channel's end once all of it is.
  child.stdin.on("error", () => {}).on("close", () => channel.resume())
  pumpOutput()
  child.once("error", () => {
    sendStatus(127, null)
    channel.end()
  })
  child.once("exit", (code, signal) => {
    if (options.status === "before-output") sendStatus(code, signal)
    // What is readable already goes first, as it mostly does with OpenSSH.
    else setImmediate(sendStatus, code, signal)
  })
  child.once("close", () => pump.whenIdle(() => setImmediate(() => channel.end())))
  channel.once("close", () => abandon(child))
  return child
}

/** What OpenSSH does without a pty when the client is gone: the process is not killed, its pipes are closed. */
export const abandon = (child: ChildProcess.ChildProcess): void => {
  for (const stream of child.stdio) stream?.destroy()
}
