/** Images to run the worker in: Debian with the Node of the tests, and the same with systemd. */
import { Effect } from "effect"
import * as Docker from "@toehold/lab/Docker"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

/** A folder of the test's own. */
export const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "worker-image-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

/** An image by what it is made of: built once, and kept by the engine. */
const imageOf = Effect.fnUntraced(function* (
  name: string,
  dockerfile: string,
  files: Readonly<Record<string, string>>
) {
  const hash = Crypto.createHash("sha256").update(dockerfile).update(process.version).digest("hex").slice(0, 16)
  const image = `toehold-lab/${name}:${hash}`
  if (yield* Effect.isSuccess(Docker.run("image", "inspect", image))) return image
  const context = yield* folder
  Fs.writeFileSync(Path.join(context, "Dockerfile"), dockerfile)
  for (const [to, from] of Object.entries(files)) Fs.copyFileSync(from, Path.join(context, to))
  yield* Docker.run("build", "--quiet", "--tag", image, context)
  return image
}, Effect.scoped)

/** As the published images of Node are, for the worker's Dockerfile. */
export const node = Effect.gen(function* () {
  const base = yield* Docker.debian
  return yield* imageOf("node", `FROM ${base}\nCOPY node /usr/local/bin/node\n`, { node: process.execPath })
})

/** A machine with systemd, on which a unit can be installed. */
export const systemd = Effect.gen(function* () {
  const base = yield* node
  const packages = "apt-get update && apt-get install -y --no-install-recommends systemd systemd-sysv"
  return yield* imageOf(
    "systemd",
    `FROM ${base}\nRUN ${packages} && rm -rf /var/lib/apt/lists/*\nSTOPSIGNAL SIGRTMIN+3\nCMD ["/sbin/init"]\n`,
    {}
  )
})

/** A container in the background, which ends with the scope: its name. */
export const container = (words: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.map(
      // By this label the lab removes what a killed test has left.
      Docker.run("run", "--detach", "--label", `toehold.lab.owner=${process.pid}`, ...words),
      (output) => output.trim().split("\n").at(-1) ?? ""
    ),
    (id) => Effect.ignore(Docker.run("rm", "--force", "--volumes", id))
  )

/** What a machine with systemd as its first process needs of the engine. */
export const systemdWords = Effect.gen(function* () {
  const version = yield* Docker.run("info", "--format", "{{.CgroupVersion}}")
  const mounts = ["--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp"]
  // It groups its services by control groups, of which version 2 is shown for reading alone unless a container may all.
  if (version.trim() === "2") return [...mounts, "--privileged"]
  const options = ["seccomp=unconfined", "apparmor=unconfined"].flatMap((option) => ["--security-opt", option])
  return [...mounts, "--cgroupns", "private", "--cap-add", "SYS_ADMIN", ...options]
})
