/**
 * The floors of the house: which package may import which, and how a source file is named. Each function says in a
 * line what breaks a rule, and nothing where none is broken.
 */
import { isBuiltin } from "node:module"
import * as Path from "node:path"
import { importsOf } from "./Imports.ts"
import type { WorkspacePackage } from "./Workspace.ts"

/** Floor of each package under `packages/`. Apps are above them all; `lab` is for tests and stands outside. */
const floors: Readonly<Record<string, number>> = {
  shell: 0,
  "ssh-core": 1,
  "serial-runner": 1,
  "vast-api": 1,
  jobs: 1,
  transfer: 1,
  "bootstrap-service": 2,
  machines: 2,
  "session-api": 2,
  cli: 3
}
const appFloor = 4

/** Packages that reach a machine, ours and npm's, and those that must work over any of them. */
const transports = new Set(["@toehold/ssh-core", "@toehold/serial-runner", "ssh2"])
const withoutTransport = new Set(["bootstrap-service", "jobs", "shell", "transfer"])

/** What a package may import of its own floor. */
const neighbours: Readonly<Record<string, ReadonlyArray<string>>> = {
  "serial-runner": ["jobs"],
  "session-api": ["bootstrap-service", "machines"]
}

/** About 400 lines: a longer file is two concepts. */
const maxLines = 450

const shortName = (pkg: WorkspacePackage): string => Path.posix.basename(pkg.folder)
const isApp = (pkg: WorkspacePackage): boolean => pkg.folder.startsWith("apps/")
const isLab = (pkg: WorkspacePackage): boolean => pkg.folder === "packages/lab"

const floorOf = (pkg: WorkspacePackage): number | undefined => (isApp(pkg) ? appFloor : floors[shortName(pkg)])

/** `@scope/name/sub/path` as its package and the rest. */
const splitSpecifier = (specifier: string): { readonly name: string; readonly subpath: string } => {
  const parts = specifier.split("/")
  const length = specifier.startsWith("@") ? 2 : 1
  return { name: parts.slice(0, length).join("/"), subpath: parts.slice(length).join("/") }
}

const brokenBetween = (
  from: WorkspacePackage,
  name: string,
  byName: ReadonlyMap<string, WorkspacePackage>
): string | undefined => {
  if (isLab(from)) return undefined
  if (withoutTransport.has(shortName(from)) && transports.has(name)) return "it must never know a transport"
  const to = byName.get(name)
  if (to === undefined || to === from) return undefined
  if (isLab(to)) return "only tests, benches, scripts and examples use the lab"
  const own = floorOf(from)
  const other = floorOf(to)
  if (own === undefined || other === undefined) return undefined // reported by unknownFloors
  if (other > own) return `floor ${own} must not import from floor ${other}`
  if (other === own && !neighbours[shortName(from)]?.includes(shortName(to)))
    return `packages on floor ${own} don't import each other`
  return undefined
}

const index = (packages: ReadonlyArray<WorkspacePackage>) =>
  new Map(packages.map((pkg) => [pkg.manifest.name, pkg] as const))

/** Packages that have no floor yet. */
export const unknownFloors = (packages: ReadonlyArray<WorkspacePackage>): ReadonlyArray<string> =>
  packages
    .filter((pkg) => !isLab(pkg) && floorOf(pkg) === undefined)
    .map((pkg) => `${pkg.folder} has no floor: give it one in test/checks/Floors.ts`)

/** Imports and dependencies that don't point down. */
export const upwardImports = (packages: ReadonlyArray<WorkspacePackage>): ReadonlyArray<string> => {
  const byName = index(packages)
  return packages.flatMap((pkg) => {
    const declared = Object.keys({
      ...pkg.manifest.dependencies,
      ...pkg.manifest.peerDependencies,
      ...pkg.manifest.optionalDependencies
    }).map((name) => ({ where: `${pkg.folder}/package.json`, name, specifier: name }))
    const imported = [...pkg.sources].flatMap(([path, text]) =>
      importsOf(path, text)
        .filter((specifier) => !specifier.startsWith("."))
        .map((specifier) => ({ where: `${pkg.folder}/src/${path}`, name: splitSpecifier(specifier).name, specifier }))
    )
    return [...declared, ...imported].flatMap(({ where, name, specifier }) => {
      const broken = brokenBetween(pkg, name, byName)
      return broken === undefined ? [] : [`${where} -> ${specifier}: ${broken}`]
    })
  })
}

/** Imports that reach into another package's insides, out of the package's own `src`, or to an undeclared package. */
export const undeclaredImports = (packages: ReadonlyArray<WorkspacePackage>): ReadonlyArray<string> =>
  packages.flatMap((pkg) => {
    const { dependencies, peerDependencies, optionalDependencies, devDependencies } = pkg.manifest
    // A private package is bundled or never leaves the workspace: it needs nothing at its user's.
    const dev = pkg.manifest.private === true ? devDependencies : {}
    const declared = { ...dependencies, ...peerDependencies, ...optionalDependencies, ...dev }
    const broken = (path: string, specifier: string): string | undefined => {
      if (specifier.startsWith(".")) {
        const target = Path.posix.join(Path.posix.dirname(path), specifier)
        if (target.startsWith("..")) return "leaves the package's src folder"
        return pkg.sources.has(target) ? undefined : "there is no such file"
      }
      if (specifier.startsWith("node:")) return undefined
      if (isBuiltin(specifier)) return `write node:${specifier}`
      const { name, subpath } = splitSpecifier(specifier)
      if (name === pkg.manifest.name) return "a package imports its own files by relative path"
      if (/^@toehold\/.*\/internal\//.test(`${name}/${subpath}/`)) return "internal/ is closed to other packages"
      return Object.hasOwn(declared, name) ? undefined : `${name} is not a dependency in ${pkg.folder}/package.json`
    }
    return [...pkg.sources].flatMap(([path, text]) =>
      importsOf(path, text).flatMap((specifier) => {
        const problem = broken(path, specifier)
        return problem === undefined ? [] : [`${pkg.folder}/src/${path} -> ${specifier}: ${problem}`]
      })
    )
  })

/** Circles of files that import each other, type-only imports included, each as the way round. */
export const circularImports = (packages: ReadonlyArray<WorkspacePackage>): ReadonlyArray<string> =>
  packages.flatMap((pkg) => {
    const graph = new Map(
      [...pkg.sources].map(([path, text]) => [
        path,
        importsOf(path, text)
          .filter((specifier) => specifier.startsWith("."))
          .map((specifier) => Path.posix.join(Path.posix.dirname(path), specifier))
      ])
    )
    const circles: Array<string> = []
    const done = new Set<string>()
    const visit = (path: string, way: ReadonlyArray<string>): void => {
      const start = way.indexOf(path)
      if (start !== -1)
        circles.push([...way.slice(start), path].map((file) => `${pkg.folder}/src/${file}`).join(" -> "))
      if (start !== -1 || done.has(path)) return
      for (const next of graph.get(path) ?? []) visit(next, [...way, path])
      done.add(path)
    }
    for (const path of graph.keys()) visit(path, [])
    return circles
  })

/** Source files whose name or length says that they hold no single concept. */
export const shapelessFiles = (packages: ReadonlyArray<WorkspacePackage>): ReadonlyArray<string> =>
  packages.flatMap((pkg) =>
    [...pkg.sources].flatMap(([path, text]) => {
      const where = `${pkg.folder}/src/${path}`
      const name = Path.posix.basename(path).replace(/\.[^.]+$/, "")
      const lines = text.split("\n").length - 1
      const isPublic = pkg.folder.startsWith("packages/") && !path.startsWith("internal/")
      return [
        ...(/^(utils?|types?|helpers?|common|misc)$/i.test(name) ? [`${where}: the name says nothing`] : []),
        ...(isPublic && name !== "index" && name !== "effect" && !/^[A-Z][A-Za-z0-9]*$/.test(name)
          ? [`${where}: a public concept is PascalCase.ts, everything else lives in internal/`]
          : []),
        ...(lines > maxLines ? [`${where}: ${lines} lines are two concepts`] : [])
      ]
    })
  )
