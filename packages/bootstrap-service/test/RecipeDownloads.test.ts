import { assert, it } from "@effect/vitest"
import { Effect, Redacted, Result } from "effect"
import * as RealPart from "@toehold/lab/RealPart"
import { execFileSync, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as MachineFacts from "../src/MachineFacts.ts"
import * as Provision from "../src/Provision.ts"
import type { ProvisionError } from "../src/ProvisionError.ts"
import * as Recipe from "../src/Recipe.ts"
import * as Mirror from "./support/mirror.ts"
import { layer, Site } from "./support/site.ts"

const gather = MachineFacts.gather({ workspaces: ["~/workspace"] })

const recipeOf = (name: string) => Result.getOrThrow(Recipe.find(Recipe.builtIn, name))

/** A machine whose downloads come from a mirror. `again` runs the script itself once more, which finds its work done. */
const scene = Effect.fnUntraced(function* (name: string) {
  const { home, program, workspace } = yield* Site
  const mirror = yield* Mirror.make
  const facts = yield* gather
  const recipe = recipeOf(name)
  const lines: Array<string> = []
  const mirrors = (variables: Readonly<Record<string, string>>) => ({
    secrets: Object.fromEntries(Object.entries(variables).map(([key, url]) => [key, Redacted.make(url)])),
    onLine: (line: string) => Effect.sync(() => void lines.push(line))
  })
  const run = (variables: Readonly<Record<string, string>>) => Recipe.run(recipe, facts, mirrors(variables))
  const again = (variables: Readonly<Record<string, string>>) => {
    const before = mirror.asked.length
    const env = { HOME: home, PATH: facts.path, WORKSPACE: workspace, ...variables }
    const { status, stderr } = spawnSync("sh", ["-c", recipe.script], { cwd: workspace, env, encoding: "utf8" })
    assert.strictEqual(status, 0, stderr)
    assert.deepStrictEqual(mirror.asked.slice(before), [])
  }
  const own = (path: string) => Path.join(home, ".local", path)
  return { mirror, run, again, own, program, lines, workspace, facts, mirrors }
})

const failureOf = <A, R>(effect: Effect.Effect<A, ProvisionError, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.strictEqual(error.reason._tag, "ProvisioningFailed", error.message)
    return error.message
  })

/** Nobody listens there. */
const dead = "http://127.0.0.1:9"

const machine = process.arch === "arm64" ? "arm64" : "x64"
const debian = process.arch === "arm64" ? "arm64" : "amd64"

/** npm as this computer has it: these tests are run by it. */
const npmProgram = (): string => {
  const found = (process.env["PATH"] ?? "")
    .split(Path.delimiter)
    .map((folder) => Path.join(folder, "npm"))
    .find((path) => Fs.existsSync(path))
  if (found === undefined) return assert.fail("there is no npm on PATH")
  return Path.join(Path.dirname(Fs.realpathSync(found)), "npm-cli.js")
}

/** Node as its site has it, in small: the program itself is this computer's. */
const nodeArchive = (): Buffer => {
  const npm = npmProgram()
  return Mirror.tarball({
    "node/bin/node": `#!/bin/sh\nexec ${process.execPath} "$@"\n`,
    "node/bin/npm": `#!/bin/sh\nexec ${process.execPath} ${npm} "$@"\n`,
    "node/bin/npx": "#!/bin/sh\n",
    "node/share/padding": Mirror.noise(128 * 1024)
  })
}

const serveNode = ({ files }: Mirror.Mirror, archive: Buffer, sum = Mirror.sha256(archive)): void => {
  const file = `node-v24.99.0-linux-${machine}.tar.gz`
  files.set("/latest-v24.x/SHASUMS256.txt", `${"0".repeat(64)}  node-v24.99.0-win.zip\n${sum}  ${file}\n`)
  files.set(`/latest-v24.x/${file}`, archive)
}

RealPart.describeWith(["curl"], "recipes that download", () => {
  it.layer(layer(), { excludeTestServices: true })("nodejs", (it) => {
    it.effect("refuses what is not what it should be, leaves nothing of it, and does nothing the second time", () =>
      Effect.gen(function* () {
        const { again, lines, mirror, own, program, run } = yield* scene("nodejs")
        // This machine's Node is too old.
        program("node", "echo false")
        const { url } = mirror
        assert.match(yield* failureOf(run({ NODEJS_ORG_MIRROR: dead })), /curl|connect/i)
        const archive = nodeArchive()
        serveNode(mirror, Mirror.damaged(archive), Mirror.sha256(archive))
        assert.match(yield* failureOf(run({ NODEJS_ORG_MIRROR: url })), /FAILED|did NOT match/)
        serveNode(mirror, Buffer.from(archive).subarray(0, 1000), Mirror.sha256(archive))
        yield* failureOf(run({ NODEJS_ORG_MIRROR: url }))
        assert.isFalse(Fs.existsSync(own("lib/toehold-node")))
        assert.isFalse(Fs.existsSync(own("bin/node")))
        // Whole, and of no use.
        serveNode(mirror, Mirror.tarball({ "node/README.md": "no programs" }))
        assert.include(yield* failureOf(run({ NODEJS_ORG_MIRROR: url })), "does not run")
        serveNode(mirror, archive)
        yield* run({ NODEJS_ORG_MIRROR: url })
        assert.strictEqual(lines.at(-1), process.version)
        assert.isTrue((yield* run({ NODEJS_ORG_MIRROR: url })).skipped)
        again({ NODEJS_ORG_MIRROR: url })
      }).pipe(Effect.scoped)
    )
  })

  // Left to itself npm asks for what is damaged again, after a while.
  const npmOnce = { npm_config_fetch_retries: "0", npm_config_update_notifier: "false" }
  it.layer(layer({ env: npmOnce }), { excludeTestServices: true })("claude-code and opencode", (it) => {
    it.effect.each([
      { name: "claude-code", pkg: "@anthropic-ai/claude-code", command: "claude" },
      { name: "opencode", pkg: "opencode-ai", command: "opencode" }
    ])(
      "$name comes from npm, with Node where that is missing",
      ({ command, name, pkg }) =>
        Effect.gen(function* () {
          const { again, lines, mirror, own, program, run } = yield* scene(name)
          program("node", "echo false")
          const { files, url } = mirror
          const mirrors = { NODEJS_ORG_MIRROR: url, npm_config_registry: url }
          serveNode(mirror, nodeArchive())
          const served = Mirror.npmPackage(url, pkg, command)
          for (const [path, content] of served) files.set(path, content)
          const [path, archive] = served[1] ?? assert.fail("no archive")
          files.set(path, Mirror.damaged(archive))
          assert.match(yield* failureOf(run(mirrors)), /EINTEGRITY|integrity/i)
          assert.isFalse(Fs.existsSync(own(`bin/${command}`)))
          files.set(path, archive)
          yield* run(mirrors)
          assert.strictEqual(lines.at(-1), `${command} 9.9.9`)
          again(mirrors)
        }).pipe(Effect.scoped),
      90_000
    )
  })

  it.layer(layer(), { excludeTestServices: true })("ollama", (it) => {
    it.effect("is compared with its checksum, and serves its port", () =>
      Effect.gen(function* () {
        const { again, mirror, mirrors, own, run } = yield* scene("ollama")
        const server = `require("http").createServer((q, r) => r.end("Ollama is running")).listen(11434, "127.0.0.1")`
        const archive = Mirror.tarball({
          "bin/ollama": `#!/bin/sh\ncase $1 in serve) exec ${process.execPath} -e '${server}' ;; *) echo "ollama version is 9.9.9" ;; esac\n`,
          "lib/ollama/libggml.so": "a library"
        })
        const base = "/ollama/ollama/releases/latest/download"
        const file = `ollama-linux-${debian}.tgz`
        mirror.files.set(`${base}/sha256sum.txt`, `${Mirror.sha256(archive)}  ./${file}\n`)
        mirror.files.set(`${base}/${file}`, Mirror.damaged(archive))
        const variables = { GITHUB_MIRROR: mirror.url }
        assert.match(yield* failureOf(run(variables)), /FAILED|did NOT match/)
        assert.isFalse(Fs.existsSync(own("bin/ollama")))
        mirror.files.set(`${base}/${file}`, archive)
        const options = {
          workspaces: ["~/workspace"],
          recipes: [{ recipe: recipeOf("ollama") }],
          tunnel: false,
          secrets: mirrors(variables).secrets
        }
        const { app, forwards } = yield* Provision.ready(options)
        assert.deepStrictEqual([app?.port, forwards], [11434, [11434]])
        assert.isTrue(Fs.existsSync(own("lib/ollama/libggml.so")))
        again(variables)
      }).pipe(Effect.scoped)
    )
  })

  it.layer(layer(), { excludeTestServices: true })("cloudflared", (it) => {
    it.effect("is put in place only when it runs", () =>
      Effect.gen(function* () {
        const { again, mirror, own, run } = yield* scene("cloudflared")
        Fs.rmSync(Path.join((yield* Site).bin, "cloudflared"))
        const file = `/cloudflare/cloudflared/releases/latest/download/cloudflared-linux-${debian}`
        mirror.files.set(file, "<html>not found</html>")
        const variables = { GITHUB_MIRROR: mirror.url }
        yield* failureOf(run(variables))
        assert.isFalse(Fs.existsSync(own("bin/cloudflared")))
        mirror.files.set(file, "#!/bin/sh\necho cloudflared version 9.9.9\n")
        yield* run(variables)
        again(variables)
      }).pipe(Effect.scoped)
    )
  })
})

/** A disk for what is downloaded that has 64 KiB. */
const smallDisk = (folder: string): ReadonlyArray<string> => [
  RealPart.path("private-accounts"),
  ...RealPart.namespaceArguments,
  "sh",
  "-c",
  'mkdir -p "$0/tmp" && { [ -e "$0/large" ] || mount -t tmpfs -o size=64k none "$0/tmp"; } && TMPDIR=$0/tmp exec "$@"',
  folder
]

RealPart.describeWith(["curl", "private-accounts"], "a recipe on a full disk", () => {
  it.layer(layer({ enter: smallDisk }), { excludeTestServices: true })((it) => {
    it.effect("says so, leaves nothing half done, and is run again when there is room", () =>
      Effect.gen(function* () {
        const { folder } = yield* Site
        const { mirror, own, program, run } = yield* scene("nodejs")
        program("node", "echo false")
        serveNode(mirror, nodeArchive())
        const variables = { NODEJS_ORG_MIRROR: mirror.url }
        assert.match(yield* failureOf(run(variables)), /space|writ/i)
        assert.isFalse(Fs.existsSync(own("lib/toehold-node")))
        Fs.writeFileSync(Path.join(folder, "large"), "")
        yield* run(variables)
        assert.isTrue(Fs.existsSync(own("bin/node")))
      }).pipe(Effect.scoped)
    )
  })
})

RealPart.describeWith(["git", "python-venv"], "the recipe comfyui", () => {
  it.layer(layer(), { excludeTestServices: true })((it) => {
    it.effect(
      "is its repository with what it requires, in an environment of its own",
      () =>
        Effect.gen(function* () {
          const { folder } = yield* Site
          const { again, facts, mirror, run, workspace } = yield* scene("comfyui")
          const origin = Path.join(folder, "mirror/comfyanonymous/ComfyUI")
          Fs.mkdirSync(origin, { recursive: true })
          Fs.writeFileSync(Path.join(origin, "main.py"), "import torch, aiohttp\n")
          Fs.writeFileSync(Path.join(origin, "requirements.txt"), "torch\naiohttp\n")
          const git = (...args: ReadonlyArray<string>) =>
            execFileSync(RealPart.path("git"), ["-c", "user.name=t", "-c", "user.email=t@t", "-C", origin, ...args])
          git("init", "-q", "-b", "main")
          git("add", ".")
          git("commit", "-q", "-m", "first")
          const python = spawnSync("sh", ["-c", "command -v python3"], { env: { PATH: facts.path }, encoding: "utf8" })
          const variables = { GITHUB_MIRROR: `file://${folder}/mirror`, PIP_INDEX_URL: `${mirror.url}/simple` }
          yield* failureOf(run({ ...variables, GITHUB_MIRROR: `file://${folder}/nowhere` }))
          assert.isFalse(Fs.existsSync(Path.join(workspace, "ComfyUI")))
          assert.match(yield* failureOf(run(variables)), /torch/)
          for (const name of ["torch", "aiohttp"]) {
            for (const [path, content] of Mirror.pythonPackage(python.stdout.trim(), name))
              mirror.files.set(path, content)
          }
          yield* run(variables)
          const main = ["-c", ". .venv/bin/activate && exec python main.py"]
          execFileSync("sh", main, { cwd: Path.join(workspace, "ComfyUI") })
          again(variables)
        }).pipe(Effect.scoped),
      120_000
    )
  })
})
