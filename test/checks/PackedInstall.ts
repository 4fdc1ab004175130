/**
 * The public packages as their users get them: built, packed, and installed from the tarballs in a folder of their own.
 */
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { publicPackages, read, root, rootManifest, type WorkspacePackage } from "./Workspace.ts"

export interface Ran {
  readonly status: number | null
  readonly output: string
}

const environment = { ...process.env, NO_COLOR: "1", TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" }

/** A command line through the shell, which Windows needs to start the `.cmd` files of npm. */
const shell = (line: string, cwd: string): Ran => {
  const { status, stdout, stderr } = spawnSync(line, { cwd, shell: true, encoding: "utf8", env: environment })
  return { status, output: `${stdout}${stderr}` }
}

/** A program of `node_modules`, by its script, on the Node that runs the tests. */
export const runNode = (args: ReadonlyArray<string>, cwd: string): Ran => {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: "utf8", env: environment })
  return { status, output: `${stdout}${stderr}` }
}

const pnpm = (args: string, cwd: string): Ran => shell(`npx -y ${rootManifest.packageManager} ${args}`, cwd)

const succeed = (what: string, ran: Ran): void => {
  if (ran.status !== 0) throw new Error(`${what} failed:\n${ran.output}`)
}

/** Every specifier that a user of the package may import, from `publishConfig.exports`. */
export const publicSpecifiers = ({ manifest, sources }: WorkspacePackage): ReadonlyArray<string> =>
  Object.keys(manifest.publishConfig?.exports ?? {}).flatMap((subpath) => {
    if (subpath === "./*") {
      const modules = [...sources.keys()].filter((path) => !path.includes("/") && path !== "index.ts")
      return modules.map((path) => `${manifest.name}/${path.replace(/\.ts$/, "")}`)
    }
    if (subpath.includes("*") || subpath.endsWith(".json")) return []
    return [Path.posix.join(manifest.name, subpath)]
  })

/** Specifiers that no user may import: one for each file in `internal/`. */
export const closedSpecifiers = ({ manifest, sources }: WorkspacePackage): ReadonlyArray<string> =>
  [...sources.keys()]
    .filter((path) => path.startsWith("internal/"))
    .map((path) => `${manifest.name}/${path.replace(/\.ts$/, "")}`)

/** Builds every public package and packs each into the folder; the tarballs by package name. */
export const pack = (folder: string): ReadonlyMap<string, string> => {
  succeed("pnpm build", pnpm("run build --output-logs=errors-only", root))
  return new Map(
    publicPackages.map(({ folder: source, manifest }) => {
      const tarball = Path.join(folder, `${manifest.name.replace("@", "").replace("/", "-")}-${manifest.version}.tgz`)
      succeed(
        `pnpm pack of ${manifest.name}`,
        pnpm(`pack --pack-destination ${JSON.stringify(folder)}`, Path.join(root, source))
      )
      if (!Fs.existsSync(tarball)) throw new Error(`pnpm pack of ${manifest.name} left no ${tarball}`)
      return [manifest.name, tarball]
    })
  )
}

/** Installs the tarballs, and what they and a TypeScript user need beside them, into a new project in the folder. */
export const install = (tarballs: ReadonlyMap<string, string>, folder: string): void => {
  const local = Object.fromEntries([...tarballs].map(([name, path]) => [name, `file:${path.replaceAll("\\", "/")}`]))
  const { effect, "@types/node": nodeTypes } = rootManifest.devDependencies ?? {}
  // Who imports a subpath that needs one of them has it.
  const peers = publicPackages.flatMap(({ manifest }) =>
    Object.keys(manifest.peerDependencies ?? {}).map((name) => [name, manifest.devDependencies?.[name]] as const)
  )
  const dependencies = { ...local, ...Object.fromEntries(peers), effect, "@types/node": nodeTypes }
  Fs.writeFileSync(Path.join(folder, "package.json"), JSON.stringify({ type: "module", private: true, dependencies }))
  // The same builds are allowed as here; packages that depend on each other find the tarballs and no registry.
  const builds = /^allowBuilds:\n(?: .*\n)+/m.exec(read("pnpm-workspace.yaml"))?.[0] ?? ""
  const overrides = Object.entries(local).map(([name, path]) => `  ${JSON.stringify(name)}: ${JSON.stringify(path)}\n`)
  Fs.writeFileSync(Path.join(folder, "pnpm-workspace.yaml"), `${builds}overrides:\n${overrides.join("")}`)
  succeed("the install from tarballs", pnpm("install --prefer-offline --no-frozen-lockfile", folder))
}
