/**
 * The packages of this workspace as they lie on disk: manifests and sources, for the checks that read them all.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"

/** The repository's root folder. */
export const root = fileURLToPath(new URL("../..", import.meta.url))

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, unknown>>
  readonly bin?: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
  readonly publishConfig?: { readonly exports?: Readonly<Record<string, string | null>> }
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

export interface WorkspacePackage {
  /** Folder from the root, with slashes: `packages/ssh-core`. */
  readonly folder: string
  readonly manifest: Manifest
  /** Text of every source file, by its path from the package's `src` folder, with slashes. */
  readonly sources: ReadonlyMap<string, string>
}

/** Text of a file, by its path from the root. */
export const read = (path: string): string => Fs.readFileSync(Path.join(root, path), "utf8")

/** Every file below a folder of the repository that is not ignored, by path from that folder, with slashes. */
export const filesBelow = (folder: string): ReadonlyArray<string> => {
  const generated = new Set(["node_modules", "dist", ".git", ".turbo", "coverage"])
  const walk = (inside: string): ReadonlyArray<string> => {
    const entries = Fs.readdirSync(Path.join(root, folder, inside), { withFileTypes: true })
    return entries.flatMap((entry) => {
      if (generated.has(entry.name) || /\.(log|tsbuildinfo)$/.test(entry.name)) return []
      const path = inside === "" ? entry.name : `${inside}/${entry.name}`
      return entry.isDirectory() ? walk(path) : entry.isFile() ? [path] : []
    })
  }
  return Fs.existsSync(Path.join(root, folder)) ? walk("") : []
}

const readManifest = (path: string): Manifest => JSON.parse(read(path))

export const rootManifest: Manifest & { readonly packageManager: string } = JSON.parse(read("package.json"))

/** Every package of the workspace, the private ones too. */
export const packages: ReadonlyArray<WorkspacePackage> = ["packages", "apps"]
  .flatMap((parent) =>
    Fs.existsSync(Path.join(root, parent))
      ? Fs.readdirSync(Path.join(root, parent)).map((name) => `${parent}/${name}`)
      : []
  )
  .filter((folder) => Fs.existsSync(Path.join(root, folder, "package.json")))
  .map((folder) => ({
    folder,
    manifest: readManifest(`${folder}/package.json`),
    sources: new Map(
      filesBelow(`${folder}/src`)
        .filter((path) => /\.[mc]?tsx?$/.test(path))
        .map((path) => [path, read(`${folder}/src/${path}`)])
    )
  }))

/** The packages that go to a registry. */
export const publicPackages = packages.filter(({ manifest }) => manifest.private !== true)
