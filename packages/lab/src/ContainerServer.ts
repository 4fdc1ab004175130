/**
 * SSH servers of other systems, each in a container of its own, built from the Dockerfiles in the lab's `images` folder.
 *
 * @since 0.1.0
 */
import { Context, Effect, FileSystem, Layer, Path, type PlatformError, type Scope } from "effect"
import { ChildProcessSpawner } from "effect/process"
import * as Crypto from "node:crypto"
import { fileURLToPath } from "node:url"
import { GenericContainer, type StartedTestContainer, Wait } from "testcontainers"
import * as BaseImage from "./internal/baseImage.ts"
import { docker } from "./internal/dockerCli.ts"
import * as Workplace from "./internal/workplace.ts"
import { LabError } from "./LabError.ts"
import type { SshServer } from "./SshServer.ts"

/**
 * `debian-openssh`: GNU tools, bash and OpenSSH. `busybox-dropbear`: BusyBox alone, with dropbear and no SFTP.
 *
 * @since 0.1.0
 * @category models
 */
export type Image = "debian-openssh" | "busybox-dropbear"

/**
 * What may be said of the server.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Default: `root`. */
  readonly user?: "root" | "agent"
}

/**
 * The running server.
 *
 * @since 0.1.0
 * @category services
 */
export class ContainerServer extends Context.Service<
  ContainerServer,
  SshServer & {
    /** Stops every process of the container where it is: connections fall silent and stay open. */
    readonly pause: Effect.Effect<void, LabError>
    readonly unpause: Effect.Effect<void, LabError>
    /** Kills the server and its sessions, but none of their commands; the server is there again after it. */
    readonly restart: Effect.Effect<void, LabError>
    /** Runs a command beside the server, as root, and gives back what it printed. */
    readonly run: (...command: ReadonlyArray<string>) => Effect.Effect<string, LabError>
  }
>()("@toehold/lab/ContainerServer") {}

const imagesFolder = fileURLToPath(new URL("../images", import.meta.url))
const ownerLabel = "toehold.lab.owner"

const ask = <A>(what: string, promise: () => PromiseLike<A>): Effect.Effect<A, LabError> =>
  Effect.tryPromise({
    try: () => promise(),
    catch: (cause) => new LabError({ message: `Docker could not ${what}`, cause })
  })

/** `/proc/net/tcp*` lists a listener on port 22 with state 0A. */
const restarting = `kill -KILL $(pidof sshd dropbear)
until cat /proc/net/tcp* | grep -q ':0016 [0-9A-F:]* 0A '; do sleep 0.05; done`

/** An image is named by what it is made of, so that a change of its files is a new image. */
const nameOf = Effect.fnUntraced(function* (
  image: Image,
  base: string
): Effect.fn.Return<string, PlatformError.PlatformError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const hash = Crypto.createHash("sha256").update(base)
  for (const file of [...(yield* fs.readDirectory(join(imagesFolder, image)))].sort()) {
    hash.update(`\0${file}\0`).update(yield* fs.readFile(join(imagesFolder, image, file)))
  }
  return `toehold-lab/${image}:${hash.digest("hex").slice(0, 16)}`
})

const build = Effect.fnUntraced(function* (image: Image) {
  const base = yield* BaseImage.make
  const name = yield* nameOf(image, base).pipe(
    Effect.mapError((cause) => new LabError({ message: `Could not read the image ${image}`, cause }))
  )
  if (yield* Effect.isSuccess(docker("image", "inspect", name))) return new GenericContainer(name)
  return yield* ask(`build ${image}`, () =>
    GenericContainer.fromDockerfile(`${imagesFolder}/${image}`)
      .withBuildArgs({ BASE: base })
      .build(name, { deleteOnExit: false })
  )
})

const isGone = (pid: number): boolean => {
  try {
    return process.kill(pid, 0) && false
  } catch {
    return true
  }
}

/** Containers of tests that were killed; nobody else removes them. */
const removeLeftovers = Effect.gen(function* () {
  const listed = yield* docker(
    "ps",
    "-a",
    "--filter",
    `label=${ownerLabel}`,
    "--format",
    `{{.ID}} {{.Label "${ownerLabel}"}}`
  )
  for (const line of listed.split("\n")) {
    const [id = "", owner] = line.split(" ")
    if (id !== "" && isGone(Number(owner))) yield* docker("rm", "--force", id)
  }
})

/**
 * Starts a server in a container, from an image that is built when there is none yet. The container is removed when the
 * scope closes.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fn("ContainerServer.make")(function* (
  image: Image,
  options: Options = {}
): Effect.fn.Return<
  ContainerServer["Service"],
  LabError,
  Scope.Scope | FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner
> {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const client = (...args: ReadonlyArray<string>) =>
    Effect.provideService(docker(...args), ChildProcessSpawner.ChildProcessSpawner, spawner)
  yield* removeLeftovers
  const place = yield* Workplace.make("ed25519", ["ed25519"])
  const built = yield* build(image)
  const container = yield* Effect.acquireRelease(
    ask(`start ${image}`, () =>
      built
        .withExposedPorts(22)
        .withCopyContentToContainer([
          {
            content: place.hostKeys.map((key) => key.privateKey).join(""),
            target: "/etc/toehold/host_key",
            mode: 0o600
          },
          { content: `${place.key.publicKey}\n`, target: "/etc/toehold/authorized_keys", mode: 0o644 }
        ])
        .withLabels({ [ownerLabel]: String(process.pid) })
        .withWaitStrategy(Wait.forListeningPorts())
        .start()
    ),
    (started: StartedTestContainer) => Effect.ignore(ask("remove a container", () => started.stop({ timeout: 0 })))
  )
  const id = container.getId()
  const described = yield* Workplace.describe(place, {
    host: "127.0.0.1",
    port: container.getMappedPort(22),
    user: options.user ?? "root",
    log: Effect.orElseSucceed(client("logs", id), () => "")
  })
  const run = (...command: ReadonlyArray<string>) => client("exec", id, ...command)
  return {
    ...described,
    pause: Effect.asVoid(client("pause", id)),
    unpause: Effect.asVoid(client("unpause", id)),
    restart: Effect.asVoid(run("sh", "-c", restarting)),
    run
  }
})

/**
 * The server as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  image: Image,
  options: Options = {}
): Layer.Layer<
  ContainerServer,
  LabError,
  FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner
> => Layer.effect(ContainerServer, make(image, options))
