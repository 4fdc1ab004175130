/** A machine whose console is root's, or anybody's: this one, in namespaces where there is an account `agent`, and a network of its own. */
import { NodeServices } from "@effect/platform-node"
import { Context, Effect, Layer, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner, type CommandLine } from "effect/process"
import * as FreePort from "@toehold/lab/FreePort"
import * as RealPart from "@toehold/lab/RealPart"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { installing, Place, shOf, stepsOn } from "./place.ts"

export interface Options {
  /** With a network of its own: nothing but a link to a gateway at 10.0.100.1, or not even that. */
  readonly network?: "gateway" | "none"
  /** Who is logged in. Default: root. */
  readonly user?: "agent"
  /** What /etc/resolv.conf says. Default: nothing. */
  readonly resolvConf?: string
  /** Says what the file `random/boot_id` in its folder says when it is asked which boot it is in. */
  readonly hasOwnBoot?: boolean
}

/** Answers 10.0.100.1 at the other end of a cable whose near end waits for a namespace to take it. */
const gateway = (name: string) => `
ip link add ${name}a type veth peer name ${name}b
ip link set ${name}b netns $1
nsenter -t $1 -n sh -c 'ip link set ${name}b name gw0; ip addr add 10.0.100.1/24 dev gw0; ip link set gw0 up'
ip link set ${name}a netns $2
nsenter -t $2 -n ip link set ${name}a name eth0`

const uid = 1000

const made = ({ hasOwnBoot = false, network, resolvConf = "", user }: Options) =>
  Effect.gen(function* () {
    const own = yield* ChildProcessSpawner.ChildProcessSpawner
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "session-"))),
      (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
    )
    Fs.chmodSync(folder, 0o755)
    const [root = "", home = ""] = ["root", "agent"].map((name) => Path.join(folder, name))
    Fs.mkdirSync(root)
    Fs.mkdirSync(home)
    Fs.chownSync(home, uid, uid)
    const copy = (name: string, line: string) =>
      Fs.writeFileSync(Path.join(folder, name), `${line}\n${Fs.readFileSync(`/etc/${name}`, "utf8")}`)
    copy("passwd", `agent:x:${uid}:${uid}::${home}:/bin/sh`)
    copy("group", `agent:x:${uid}:`)
    Fs.writeFileSync(Path.join(folder, "resolv.conf"), resolvConf)
    Fs.mkdirSync(Path.join(folder, "random"))
    Fs.writeFileSync(Path.join(folder, "random", "boot_id"), "first\n")
    const bind = [
      ...["passwd", "group", "resolv.conf"].map((name) => `mount --bind "$0/${name}" /etc/${name}`),
      ...(hasOwnBoot ? ['mount --bind "$0/random" /proc/sys/kernel/random'] : [])
    ].join(" && ")

    const holder = Effect.fnUntraced(function* (flags: ReadonlyArray<string>, text: string) {
      const handle = yield* own.spawn(
        ChildProcess.make("unshare", [...flags, "sh", "-c", `${text}; echo ready; exec sleep 600`, folder], {
          stdin: "ignore",
          killSignal: "SIGKILL"
        })
      )
      yield* handle.stdout.pipe(Stream.decodeText, Stream.splitLines, Stream.take(1), Stream.runDrain)
      return String(handle.pid)
    })
    const sys = network === undefined ? ":" : "mount -t sysfs sysfs /sys"
    const flags = ["--mount", "--propagation", "private", ...(network === undefined ? [] : ["--net"])]
    const pid = yield* holder(flags, `${bind}; ${sys}`)
    const other = network === "gateway" ? yield* holder(["--net"], ":") : undefined
    if (other !== undefined) yield* shOf(own)(gateway(`t${pid}`), other, pid)

    const inside = (words: ReadonlyArray<CommandLine.Word>): readonly [string, ...Array<CommandLine.Word>] => [
      RealPart.path("nsenter"),
      "-t",
      pid,
      "-m",
      ...(network === undefined ? [] : ["-n"]),
      ...words
    ]
    const spawner = ChildProcessSpawner.make((command) => {
      if (!ChildProcess.isStandardCommand(command)) return own.spawn(command)
      const [program, ...args] = inside([command.command, ...command.args])
      const env = { HOME: root, PATH: process.env["PATH"] ?? "", ...command.options.env }
      return own.spawn(ChildProcess.make(program, args, { ...command.options, cwd: "/", extendEnv: false, env }))
    })
    const asAgent = ChildProcessSpawner.make((command) => {
      if (!ChildProcess.isStandardCommand(command)) return spawner.spawn(command)
      const words = [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", command.command, ...command.args]
      return spawner.spawn(ChildProcess.make("setpriv", words, { ...command.options, env: { HOME: home } }))
    })
    const sh = shOf(asAgent)
    yield* sh(installing, `${home}/.local/bin`)
    return Context.make(ChildProcessSpawner.ChildProcessSpawner, user === undefined ? spawner : asAgent).pipe(
      Context.add(Place, {
        ip: network === undefined ? "127.0.0.1" : "10.0.100.20",
        freePort: FreePort.onLoopback,
        folder: home,
        sh
      }),
      Context.add(Root, { sh: shOf(spawner), gatewayPid: other })
    )
  })

export class Root extends Context.Service<
  Root,
  {
    readonly sh: Place["Service"]["sh"]
    /** A process in the gateway's namespace. */
    readonly gatewayPid: string | undefined
  }
>()("@toehold/bootstrap-service/test/Root") {}

/** The machine, and the steps on it. */
export const layer = (options: Options = {}) =>
  stepsOn(Layer.effectContext(made(options)).pipe(Layer.provideMerge(NodeServices.layer)), {
    network: options.network === undefined ? "skip" : {}
  })
