import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { publicPackages, root } from "./checks/Workspace.ts"
import { closedSpecifiers, install, pack, publicSpecifiers, runNode } from "./checks/PackedInstall.ts"

const bin = (...path: ReadonlyArray<string>): string => Path.join(root, "node_modules", ...path)

/** The declarations of Drizzle name the drivers of every database, of which nobody has all. */
const withDeclarationsInError = /\/drizzle$/

describe("packages as their users get them", () => {
  let folder = ""
  let tarballs: ReadonlyMap<string, string> = new Map()
  const tarballOf = (name: string): string => tarballs.get(name) ?? ""
  const installed = (name: string, ...path: ReadonlyArray<string>): string =>
    Path.join(folder, "node_modules", name, ...path)

  beforeAll(() => {
    folder = Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "toehold-packed-")))
    tarballs = pack(folder)
    install(tarballs, folder)
  }, 240_000)

  afterAll(() => Fs.rmSync(folder, { recursive: true, force: true }))

  it("are there", () => expect(publicPackages.map(({ manifest }) => manifest.name)).toContain("@toehold/ssh-core"))

  describe.each(publicPackages.map((pkg) => [pkg.manifest.name, pkg] as const))("%s", (name, pkg) => {
    it("is clean for publint", () => {
      const { status, output } = runNode([bin("publint", "src", "cli.js"), tarballOf(name), "--strict"], folder)
      expect(output).toContain("All good!")
      expect(status).toBe(0)
    })

    it("is clean for arethetypeswrong", () => {
      const entrypoints = publicSpecifiers(pkg).map((specifier) => specifier.replace(name, "."))
      const attw = bin("@arethetypeswrong", "cli", "dist", "index.js")
      const args = [tarballOf(name), "--profile", "esm-only", "--no-emoji", "--entrypoints", ...entrypoints]
      const { status, output } = runNode([attw, ...args], folder)
      expect(status, output).toBe(0)
    })

    it("holds its README, its licence and its sources, no tests, and no path of the machine that built it", () => {
      const files = Fs.readdirSync(installed(name), { recursive: true, encoding: "utf8" })
        .map((path) => path.replaceAll("\\", "/"))
        .filter((path) => !path.startsWith("node_modules") && Fs.statSync(installed(name, path)).isFile())
      expect(files).toEqual(expect.arrayContaining(["README.md", "LICENSE", "package.json"]))
      // A .d.ts file describes a dependency's module to the compiler and leaves nothing in dist.
      const modules = [...pkg.sources.keys()].filter((path) => !path.endsWith(".d.ts"))
      const wanted = modules.flatMap((path) => {
        const built = `dist/${path.replace(/\.ts$/, "")}`
        return [`${built}.js`, `${built}.d.ts`, `src/${path}`]
      })
      expect(wanted.filter((path) => !files.includes(path))).toEqual([])
      expect(files.filter((path) => /(^|\/)(test|node_modules)\/|\.test\.|tsbuildinfo/.test(path))).toEqual([])

      for (const path of files) {
        const text = Fs.readFileSync(installed(name, path), "utf8")
        expect(text.includes(root), `${path} names ${root}`).toBe(false)
        if (!path.endsWith(".map")) continue
        const { sources }: { readonly sources: ReadonlyArray<string> } = JSON.parse(text)
        const targets = sources.map((source) => Path.posix.join(Path.posix.dirname(path), source))
        expect(
          targets.filter((target) => !files.includes(target)),
          path
        ).toEqual([])
      }
    })

    it("depends on released versions", () => {
      const manifest = Fs.readFileSync(installed(name, "package.json"), "utf8")
      expect(manifest).not.toMatch(/workspace:|catalog:|link:|file:/)
    })

    it("gives Node every public module", () => {
      const specifiers = publicSpecifiers(pkg)
      expect(specifiers).toContain(name)
      const lines = specifiers.map((specifier) => `await import(${JSON.stringify(specifier)})`)
      Fs.writeFileSync(Path.join(folder, "public.mjs"), `${lines.join("\n")}\nconsole.log("imported")\n`)
      expect(runNode(["public.mjs"], folder)).toEqual({ status: 0, output: "imported\n" })
    })

    it("keeps internal/ closed", () => {
      const tried = `
        for (const specifier of ${JSON.stringify(closedSpecifiers(pkg))})
          await import(specifier).then(
            () => console.log("open: " + specifier),
            (error) => error.code === "ERR_PACKAGE_PATH_NOT_EXPORTED" || console.log(error)
          )
      `
      Fs.writeFileSync(Path.join(folder, "closed.mjs"), tried)
      expect(runNode(["closed.mjs"], folder)).toEqual({ status: 0, output: "" })
    })

    it.each([
      ["nodenext", "nodenext"],
      ["esnext", "bundler"]
    ])("type-checks in a user's project, module %s, resolution %s", (module, moduleResolution) => {
      const [others, ownInError] = [false, true].map((isInError) =>
        publicSpecifiers(pkg).filter((specifier) => withDeclarationsInError.test(specifier) === isInError)
      )
      for (const [specifiers = [], skipLibCheck] of [
        [others, false],
        [ownInError, true]
      ] as const) {
        if (specifiers.length === 0) continue
        const imports = specifiers.map((specifier, at) => `import * as m${at} from ${JSON.stringify(specifier)}`)
        const uses = imports.map((_, at) => `m${at}`).join(", ")
        Fs.writeFileSync(Path.join(folder, "consumer.ts"), `${imports.join("\n")}\nexport const modules = [${uses}]\n`)
        const compilerOptions = {
          module,
          moduleResolution,
          target: "es2023",
          strict: true,
          noEmit: true,
          skipLibCheck,
          types: ["node"]
        }
        Fs.writeFileSync(
          Path.join(folder, "tsconfig.json"),
          JSON.stringify({ compilerOptions, files: ["consumer.ts"] })
        )
        expect(runNode([bin("typescript", "bin", "tsc"), "-p", "tsconfig.json"], folder)).toEqual({
          status: 0,
          output: ""
        })
      }
    })
  })
})
