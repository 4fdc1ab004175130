/**
 * A real Linux machine with nothing but a serial console: a guest under QEMU, in software emulation, with a FIFO pair as
 * its ttyS0. Its system is built from Debian packages and kept, and each test's guest is resumed from a snapshot.
 *
 * @since 0.1.0
 */
import {
  Context,
  Deferred,
  Duration,
  Effect,
  FileSystem,
  Layer,
  Path,
  type PlatformError,
  Schedule,
  type Scope
} from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import { makeFifos, readUntil } from "./internal/fifo.ts"
import { freePort } from "./internal/freePort.ts"
import * as GuestImage from "./internal/guestImage.ts"
import * as Qmp from "./internal/qmp.ts"
import { LabError } from "./LabError.ts"
import * as RealPart from "./RealPart.ts"

/**
 * `debian`: systemd, and `agent` (uid 1000, sudo without a password) logged in with bash. `busybox`: BusyBox alone, and
 * root's ash. Neither has a network up.
 *
 * @since 0.1.0
 * @category models
 */
export type System = "debian" | "busybox"

/**
 * What may be said of the guest; everything has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Default: `debian`. */
  readonly system?: System
  /**
   * `snapshot`, the default, is there in a moment, at a prompt that was printed before; `boot` starts at the first
   * message of the kernel.
   */
  readonly from?: "snapshot" | "boot"
  /** The guest may restart itself; otherwise its reboot ends QEMU. Default: `false`. */
  readonly reboots?: boolean
}

/**
 * The running guest.
 *
 * @since 0.1.0
 * @category services
 */
export class Guest extends Context.Service<
  Guest,
  {
    readonly system: System
    /** The FIFO that the machine reads. */
    readonly input: string
    /** The FIFO that the machine writes. */
    readonly output: string
    /** Where both lie, also as `VMID.stdout` and `VMID.stdin`, the names that Firecracker's host side gives them. */
    readonly directory: string
    readonly vmId: string
    /** Port on 127.0.0.1 that leads to 10.0.100.20:4096 in the guest; the host is 10.0.100.1 there. */
    readonly httpPort: number
    /** A command of QEMU's monitor (QMP). */
    readonly monitor: (command: string, args?: Readonly<Record<string, unknown>>) => Effect.Effect<unknown, LabError>
    /** Ends QEMU at once, as a crash of the host would. */
    readonly kill: Effect.Effect<void>
    /** Done when QEMU has ended, whoever ended it. */
    readonly ended: Effect.Effect<void>
  }
>()("@toehold/lab/Guest") {}

const vmId = "vm-1"
const memory = "256"
const network = "net=10.0.100.0/24,host=10.0.100.1,restrict=on"

/** Without it a microvm's kernel measures the clock itself, and hangs now and then. */
const tscKhz = (): string => {
  const mhz = /^cpu MHz\s*:\s*([\d.]+)/m.exec(Fs.readFileSync("/proc/cpuinfo", "utf8"))?.[1]
  return mhz === undefined ? "" : ` tsc_early_khz=${Math.round(Number(mhz) / 100) * 100_000}`
}

const machineArguments = (system: System, image: string): ReadonlyArray<string> =>
  [
    ["-M", "microvm", "-accel", "tcg,thread=multi,tb-size=128", "-cpu", "max", "-smp", "1", "-m", memory],
    ["-nodefaults", "-no-user-config", "-display", "none"],
    ["-kernel", `${image}/kernel`, "-initrd", `${image}/${system}.initrd`],
    ["-append", `console=ttyS0 quiet net.ifnames=0 mitigations=off panic=-1${tscKhz()}`]
  ].flat()

interface Start {
  readonly system: System
  readonly image: string
  /** The disk that the guest's own is laid over; it is never written to. */
  readonly disk: { readonly path: string; readonly format: "raw" | "qcow2" } | undefined
  /** The memory to go on from. */
  readonly memory: string | undefined
  readonly reboots: boolean
}

const failed = (message: string) => (cause: unknown) => new LabError({ message, cause })

/** Starts QEMU in a folder of its own. */
const start = Effect.fnUntraced(function* (options: Start, directory: string) {
  const { join } = yield* Path.Path
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const serial = join(directory, "serial")
  yield* makeFifos(`${serial}.in`, `${serial}.out`)
  const disk = join(directory, "disk.qcow2")
  if (options.disk !== undefined) {
    const overlay = ["create", "-q", "-f", "qcow2", "-b", options.disk.path, "-F", options.disk.format, disk]
    yield* spawner.exitCode(ChildProcess.make(RealPart.path("qemu-img"), overlay))
  }
  const httpPort = yield* freePort("127.0.0.1")
  const monitorPath = join(directory, "qmp")
  const handle = yield* spawner.spawn(
    ChildProcess.make(
      RealPart.path("qemu"),
      [
        machineArguments(options.system, options.image),
        options.reboots ? [] : ["-no-reboot"],
        ["-qmp", `unix:${monitorPath},server=on,wait=off`],
        ["-chardev", `pipe,id=s0,path=${serial}`, "-serial", "chardev:s0"],
        options.disk === undefined
          ? []
          : ["-drive", `if=none,id=d0,file=${disk},format=qcow2,cache=unsafe`, "-device", "virtio-blk-device,drive=d0"],
        ["-netdev", `user,id=n0,${network},hostfwd=tcp:127.0.0.1:${httpPort}-10.0.100.20:4096`],
        ["-device", "virtio-net-device,netdev=n0"],
        options.memory === undefined ? [] : ["-incoming", `exec:cat '${options.memory}'`]
      ].flat(),
      { stdin: "ignore", stdout: "ignore", stderr: "inherit", killSignal: "SIGKILL" }
    )
  )
  const monitor = yield* Qmp.make(monitorPath).pipe(
    Effect.retry({ schedule: Schedule.spaced("20 millis"), while: () => true, times: 500 })
  )
  return { handle, monitor, httpPort, input: `${serial}.in`, output: `${serial}.out`, disk }
})

const isPrompt = (text: string): boolean => /[$#] (\u001b\[6n)?$/.test(text)

const hasMigrated = (answer: unknown): boolean => JSON.stringify(answer).includes('"completed"')

/** The folder with the memory, and the disk, of a system that waits at its prompt. */
const snapshot = Effect.fnUntraced(function* (system: System, image: string) {
  const { join } = yield* Path.Path
  const fs = yield* FileSystem.FileSystem
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const version = yield* spawner.string(ChildProcess.make(RealPart.path("qemu"), ["--version"]))
  const hash = Crypto.createHash("sha256").update(version).update(machineArguments(system, image).join("\0"))
  return yield* GuestImage.cached(`${system}-${hash.digest("hex").slice(0, 16)}`, (folder) =>
    Effect.gen(function* () {
      const directory = yield* fs.makeTempDirectoryScoped({ prefix: "toehold-guest-" })
      const disk = system === "debian" ? ({ path: join(image, "debian.ext4"), format: "raw" } as const) : undefined
      const running = yield* start({ system, image, disk, memory: undefined, reboots: false }, directory)
      yield* readUntil(running.output, isPrompt)
      // What still starts in the background would otherwise start again in every test.
      yield* Effect.sleep("3 seconds")
      yield* running.monitor.run("stop")
      yield* running.monitor.run("migrate", { uri: `exec:cat >'${join(folder, "memory")}'` })
      yield* running.monitor
        .run("query-migrate")
        .pipe(Effect.repeat({ schedule: Schedule.spaced("50 millis"), until: hasMigrated }))
      yield* running.monitor.run("quit").pipe(Effect.ignore)
      yield* running.handle.exitCode.pipe(Effect.ignore)
      if (disk !== undefined) yield* fs.copyFile(running.disk, join(folder, "disk.qcow2"))
    }).pipe(Effect.scoped, Effect.timeout(Duration.minutes(3)))
  )
})

/**
 * Starts a guest. QEMU and everything of the guest's is gone when the scope closes.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options = {}
): Effect.Effect<
  Guest["Service"],
  LabError,
  Scope.Scope | FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner
> =>
  Effect.mapError(running(options), (error) =>
    error._tag === "LabError" ? error : failed("The guest did not start")(error)
  )

const running = Effect.fn("Guest.make")(function* (
  options: Options
): Effect.fn.Return<
  Guest["Service"],
  LabError | PlatformError.PlatformError,
  Scope.Scope | FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner
> {
  const { join } = yield* Path.Path
  const fs = yield* FileSystem.FileSystem
  const system = options.system ?? "debian"
  const image = yield* GuestImage.make
  const saved =
    options.from === "boot" ? undefined : yield* Effect.mapError(snapshot(system, image), failed("No snapshot"))
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "toehold-guest-" })
  const fresh = system === "debian" ? ({ path: join(image, "debian.ext4"), format: "raw" } as const) : undefined
  const running = yield* start(
    {
      system,
      image,
      disk: saved === undefined || fresh === undefined ? fresh : { path: join(saved, "disk.qcow2"), format: "qcow2" },
      memory: saved === undefined ? undefined : join(saved, "memory"),
      reboots: options.reboots ?? false
    },
    directory
  )
  yield* fs.symlink(running.output, join(directory, `${vmId}.stdin`))
  yield* fs.symlink(running.input, join(directory, `${vmId}.stdout`))
  if (saved !== undefined) {
    yield* running.monitor.run("query-status").pipe(
      Effect.repeat({
        schedule: Schedule.spaced("10 millis"),
        until: (status) => !JSON.stringify(status).includes("inmigrate")
      })
    )
    yield* running.monitor.run("cont")
  }
  const ended = yield* Deferred.make<void>()
  yield* Effect.forkScoped(
    running.handle.exitCode.pipe(Effect.ignore, Effect.andThen(Deferred.succeed(ended, undefined)))
  )
  return {
    system,
    input: running.input,
    output: running.output,
    directory,
    vmId,
    httpPort: running.httpPort,
    monitor: running.monitor.run,
    kill: Effect.ignore(running.handle.kill({ killSignal: "SIGKILL" })),
    ended: Deferred.await(ended)
  }
})

/**
 * The guest as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<Guest, LabError, FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner> =>
  Layer.effect(Guest, make(options))
