/**
 * A shell of this computer on a terminal of its own, behind a FIFO pair: a serial console without a machine, that can be
 * made as bad as a line ever was.
 *
 * @since 0.1.0
 */
import { Effect, FileSystem, Path, type PlatformError, type Scope } from "effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Net from "node:net"
import { makeFifos } from "./internal/fifo.ts"
import * as LineNoise from "./internal/lineNoise.ts"
import { LabError } from "./LabError.ts"
import * as RealPart from "./RealPart.ts"

/**
 * What may be said of the shell and of the line to it; everything but the shell has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly shell: "dash" | "bash" | "ash"
  /** What `/bin/sh` is for it and all that it starts; needs the part `private-accounts`. Default: the computer's own. */
  readonly systemShell?: "bash" | "ash"
  /** Default: 80. */
  readonly columns?: number
  /** Largest chunk that the reader gets. Default: as they come. */
  readonly chunkBytes?: number
  /** What happens to the bytes that the shell prints. */
  readonly output?: LineNoise.Rates
  /** What happens to the bytes that it is sent. */
  readonly input?: LineNoise.Rates
  /** Makes the faults the same again. Default: 1. */
  readonly seed?: number
  /** For the shell; it starts with a home folder of its own and little else. */
  readonly env?: Readonly<Record<string, string>>
}

/**
 * The shell that runs.
 *
 * @since 0.1.0
 * @category models
 */
export interface PtyShell {
  /** The FIFO that the shell reads. */
  readonly input: string
  /** The FIFO that it writes. */
  readonly output: string
  readonly homeDir: string
  /** Faults from now on; none when it was `false`. */
  readonly setFaults: (isOn: boolean) => void
  /** Something that appears on the console out of nowhere. */
  readonly print: (text: string) => void
  /** A key that a person presses on the console. */
  readonly press: (text: string) => void
  /** Holds everything that the shell prints back. */
  readonly setSilent: (isSilent: boolean) => void
  /** Ends the shell, as a crash of the machine would. */
  readonly kill: Effect.Effect<void>
}

const commands = { dash: "dash -i", bash: "bash -i", ash: "busybox ash -i" } as const

const { O_NONBLOCK, O_RDWR } = Fs.constants

/** What runs a program with another `/bin/sh`: BusyBox is an ash under that name. */
const otherShell = (shell: Options["systemShell"]): ReadonlyArray<string> =>
  shell === undefined
    ? []
    : [
        RealPart.path("private-accounts"),
        ...RealPart.namespaceArguments,
        "/bin/sh",
        "-c",
        'mount --bind "$1" /bin/sh && shift && exec "$@"',
        "sh",
        RealPart.path(shell === "ash" ? "busybox" : "bash")
      ]

/**
 * Starts a shell; it and everything it started on its terminal end with the scope.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fn("PtyShell.make")(function* (
  options: Options
): Effect.fn.Return<PtyShell, LabError | PlatformError.PlatformError, Scope.Scope | FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: "toehold-pty-" })
  const homeDir = join(folder, "home")
  yield* fs.makeDirectory(homeDir)
  const [input, output] = [join(folder, "console.in"), join(folder, "console.out")]
  yield* makeFifos(input, output)
  const started = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const terminal = `stty rows 24 cols ${options.columns ?? 80}; cd; exec ${commands[options.shell]}`
      const [program = "", ...words] = [
        ...otherShell(options.systemShell),
        RealPart.path("script"),
        "-q",
        "-e",
        "-c",
        terminal,
        "/dev/null"
      ]
      const child = ChildProcess.spawn(program, words, {
        stdio: ["pipe", "pipe", "ignore"],
        env: {
          PATH: process.env["PATH"],
          HOME: homeDir,
          TMPDIR: folder,
          SHELL: "/bin/sh",
          TERM: "vt220",
          // bash writes it when it ends, into a folder that is being removed.
          HISTFILE: "/dev/null",
          ...options.env
        }
      })
      // Open for both, as QEMU has it, so that one writer's end is no end of the line.
      const from = new Net.Socket({ fd: Fs.openSync(input, O_RDWR | O_NONBLOCK), readable: true, writable: false })
      const to = new Net.Socket({ fd: Fs.openSync(output, O_RDWR | O_NONBLOCK), readable: false, writable: true })
      for (const end of [from, to, child.stdin, child.stdout]) end.on("error", () => undefined)
      return { child, from, to }
    }),
    ({ child, from, to }) =>
      Effect.sync(() => {
        child.kill("SIGKILL")
        from.destroy()
        to.destroy()
      })
  )
  const { child, from, to } = started
  const seed = options.seed ?? 1
  const noise = LineNoise.make(options.output ?? {}, seed)
  const inputNoise = LineNoise.make(options.input ?? {}, seed + 1)
  let faulty = true
  let silent = false
  const emit = (data: Uint8Array): void => {
    const size = options.chunkBytes ?? data.length
    for (let at = 0; at < data.length; at += size) {
      if (!to.write(data.subarray(at, at + size))) child.stdout.pause()
    }
  }
  to.on("drain", () => child.stdout.resume())
  child.stdout.on("data", (chunk: Buffer) => {
    if (!silent) emit(faulty ? noise(chunk) : chunk)
  })
  child.once("exit", () => to.end())
  from.on("data", (chunk: Buffer) => {
    const sent = faulty ? inputNoise(chunk) : chunk
    if (!child.stdin.write(sent)) {
      from.pause()
      child.stdin.once("drain", () => from.resume())
    }
  })
  return {
    input,
    output,
    homeDir,
    setFaults: (isOn) => void (faulty = isOn),
    print: (text) => emit(Buffer.from(text)),
    press: (text) => void child.stdin.write(text),
    setSilent: (isSilent) => void (silent = isSilent),
    kill: Effect.sync(() => void child.kill("SIGKILL"))
  }
})
