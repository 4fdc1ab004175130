import { describe, expect, it } from "vitest"
import * as Floors from "./checks/Floors.ts"
import { exportsWithoutSince, importsOf } from "./checks/Imports.ts"
import { type Manifest, packages, type WorkspacePackage } from "./checks/Workspace.ts"

describe("this repository", () => {
  it("has packages to look at", () => {
    expect(packages.map(({ folder }) => folder)).toContain("packages/ssh-core")
    for (const pkg of packages) expect(pkg.sources.size, pkg.folder).toBeGreaterThan(0)
  })

  it("gives every package a floor", () => expect(Floors.unknownFloors(packages)).toEqual([]))
  it("imports downwards only", () => expect(Floors.upwardImports(packages)).toEqual([]))
  it("imports what is declared and open", () => expect(Floors.undeclaredImports(packages)).toEqual([]))
  it("imports in no circle", () => expect(Floors.circularImports(packages)).toEqual([]))
  it("holds one named concept a file", () => expect(Floors.shapelessFiles(packages)).toEqual([]))
})

const made = (
  folder: string,
  sources: Readonly<Record<string, string>>,
  manifest: Partial<Manifest> = {}
): WorkspacePackage => ({
  folder,
  manifest: { name: `@toehold/${folder.split("/")[1]}`, version: "0.0.0", ...manifest },
  sources: new Map(Object.entries(sources))
})

const depends = (...names: ReadonlyArray<string>): Partial<Manifest> => ({
  dependencies: Object.fromEntries(names.map((name) => [name, "*"]))
})

const sshCore = made("packages/ssh-core", { "SshClient.ts": "export const a = 1" })
const lab = made("packages/lab", { "Sshd.ts": "export const a = 1" }, { private: true })

describe("upwardImports", () => {
  it("lets an upper floor import a lower one, and an app everything", () => {
    const machines = made("packages/machines", { "Machine.ts": 'import * as A from "@toehold/ssh-core/SshClient"' })
    const cli = made("packages/cli", { "Cli.ts": 'export * from "@toehold/machines"' })
    const app = made("apps/cli", { "bin.ts": 'import "@toehold/cli"; await import("@toehold/ssh-core")' })
    expect(Floors.upwardImports([sshCore, machines, cli, app, lab])).toEqual([])
  })

  it("names an import that points up", () => {
    const low = made("packages/vast-api", { "Offer.ts": 'import type { Machine } from "@toehold/machines/Machine"' })
    expect(Floors.upwardImports([low, made("packages/machines", {})])).toEqual([
      "packages/vast-api/src/Offer.ts -> @toehold/machines/Machine: floor 1 must not import from floor 2"
    ])
  })

  it("names an import of an app", () => {
    const cli = made("packages/cli", { "Cli.ts": 'import "@toehold/api-worker"' })
    expect(Floors.upwardImports([cli, made("apps/api-worker", {})])).toEqual([
      "packages/cli/src/Cli.ts -> @toehold/api-worker: floor 3 must not import from floor 4"
    ])
  })

  it("names a neighbour on the same floor", () => {
    const vast = made("packages/vast-api", { "Rent.ts": 'export { a } from "@toehold/ssh-core/SshClient"' })
    expect(Floors.upwardImports([vast, sshCore])).toEqual([
      "packages/vast-api/src/Rent.ts -> @toehold/ssh-core/SshClient: packages on floor 1 don't import each other"
    ])
  })

  it.each(["jobs", "bootstrap-service"])("names a transport in %s, by import or by dependency", (name) => {
    const pkg = made(`packages/${name}`, {
      "A.ts": 'import * as S from "@toehold/ssh-core/SshClient"',
      "B.ts": 'export type Client = import("ssh2").Client',
      "C.ts": 'export const load = () => import("@toehold/serial-runner")'
    })
    expect(Floors.upwardImports([pkg, sshCore])).toEqual([
      `packages/${name}/src/A.ts -> @toehold/ssh-core/SshClient: it must never know a transport`,
      `packages/${name}/src/B.ts -> ssh2: it must never know a transport`,
      `packages/${name}/src/C.ts -> @toehold/serial-runner: it must never know a transport`
    ])
    const declares = made(`packages/${name}`, {}, depends("@toehold/ssh-core"))
    expect(Floors.upwardImports([declares, sshCore])).toEqual([
      `packages/${name}/package.json -> @toehold/ssh-core: it must never know a transport`
    ])
  })

  it("names the lab outside of tests", () => {
    const pkg = made("packages/cli", { "Cli.ts": 'import "@toehold/lab/Sshd"' })
    expect(Floors.upwardImports([pkg, lab])).toEqual([
      "packages/cli/src/Cli.ts -> @toehold/lab/Sshd: only tests, benches, scripts and examples use the lab"
    ])
  })
})

describe("unknownFloors", () => {
  it("names a package that nobody placed", () => {
    expect(Floors.unknownFloors([made("packages/attic", {}), lab, sshCore])).toEqual([
      "packages/attic has no floor: give it one in test/checks/Floors.ts"
    ])
  })
})

describe("circularImports", () => {
  it("names the way round, through type-only imports and re-exports too", () => {
    const pkg = made("packages/ssh-core", {
      "A.ts": 'import { b } from "./internal/b.ts"',
      "internal/b.ts": 'import type { C } from "../C.ts"',
      "C.ts": 'export * as A from "./A.ts"',
      "D.ts": 'import "./A.ts"'
    })
    expect(Floors.circularImports([pkg])).toEqual([
      "packages/ssh-core/src/A.ts -> packages/ssh-core/src/internal/b.ts -> packages/ssh-core/src/C.ts -> packages/ssh-core/src/A.ts"
    ])
  })

  it("lets two ways lead to one file", () => {
    const pkg = made("packages/ssh-core", {
      "A.ts": 'import "./B.ts"; import "./C.ts"',
      "B.ts": 'import "./D.ts"',
      "C.ts": 'import "./D.ts"',
      "D.ts": ""
    })
    expect(Floors.circularImports([pkg])).toEqual([])
  })
})

describe("undeclaredImports", () => {
  it("takes declared packages, node: modules and files that exist", () => {
    const text = 'import "effect/Schema"; import "ssh2"; import "node:fs"; import "./internal/b.ts"'
    const pkg = made("packages/ssh-core", { "A.ts": text, "internal/b.ts": "" }, depends("effect", "ssh2"))
    expect(Floors.undeclaredImports([pkg])).toEqual([])
  })

  it("names what is undeclared, closed, elsewhere or missing", () => {
    const text = `
      import "left-pad"
      import "fs"
      import "@toehold/ssh-core/internal/wire"
      import "../../lab/src/Sshd.ts"
      import "./Missing.ts"
      import "@toehold/cli/Other"
    `
    const pkg = made("packages/cli", { "A.ts": text }, depends("@toehold/ssh-core"))
    expect(Floors.undeclaredImports([pkg])).toEqual([
      "packages/cli/src/A.ts -> left-pad: left-pad is not a dependency in packages/cli/package.json",
      "packages/cli/src/A.ts -> fs: write node:fs",
      "packages/cli/src/A.ts -> @toehold/ssh-core/internal/wire: internal/ is closed to other packages",
      "packages/cli/src/A.ts -> ../../lab/src/Sshd.ts: leaves the package's src folder",
      "packages/cli/src/A.ts -> ./Missing.ts: there is no such file",
      "packages/cli/src/A.ts -> @toehold/cli/Other: a package imports its own files by relative path"
    ])
  })

  it("doesn't take a development dependency for one of the user's", () => {
    const dev = { devDependencies: { vitest: "*" } }
    expect(Floors.undeclaredImports([made("packages/jobs", { "A.ts": 'import "vitest"' }, dev)])).toHaveLength(1)
    const closed = made("packages/lab", { "A.ts": 'import "vitest"' }, { ...dev, private: true })
    expect(Floors.undeclaredImports([closed])).toEqual([])
  })
})

describe("shapelessFiles", () => {
  it("names files by name and by length", () => {
    const pkg = made("packages/jobs", {
      "Job.ts": "\n".repeat(450),
      "Spool.ts": "\n".repeat(451),
      "pull.ts": "",
      "internal/utils.ts": "",
      "internal/pull.ts": "",
      "index.ts": ""
    })
    expect(Floors.shapelessFiles([pkg])).toEqual([
      "packages/jobs/src/Spool.ts: 451 lines are two concepts",
      "packages/jobs/src/pull.ts: a public concept is PascalCase.ts, everything else lives in internal/",
      "packages/jobs/src/internal/utils.ts: the name says nothing"
    ])
  })
})

describe("importsOf", () => {
  it("reads code, not comments or strings", () => {
    const text = `
      // import "a"
      const text = 'import "b"'
      import type { C } from "c"
      import D, { type E } from "d"
      export { f } from "f"
      const g = await import("g")
      type H = import("h").H
    `
    expect([...importsOf("x.ts", text)].sort()).toEqual(["c", "d", "f", "g", "h"])
  })
})

describe("exportsWithoutSince", () => {
  it("names each export that has no @since of its own", () => {
    const text = `
      /**
       * @since 0.1.0
       */
      import { x } from "x"
      /** @since 0.1.0 */
      export const good = 1
      export const bad = 2
      /** Without. */
      export class Worse {}
      /** @since 0.1.0 */
      export function overloaded(a: string): void
      export function overloaded(a: number): void
      export function overloaded() {}
      export { x }
    `
    expect(exportsWithoutSince("x.ts", text)).toEqual(["bad", "Worse"])
  })
})
