import { assert, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, beforeAll, describe } from "vitest"
import * as Leaks from "@toehold/lab/Leaks"
import { layer, OpenSshServer } from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"

const app = Path.dirname(import.meta.dirname)
const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "toehold-bundle-"))
/** Away from the workspace, so that nothing of it can be found by accident. */
const program = Path.join(folder, "toehold.mjs")

beforeAll(() => {
  const built = ChildProcess.spawnSync("npm", ["run", "--silent", "build"], {
    cwd: app,
    encoding: "utf8",
    shell: process.platform === "win32"
  })
  assert.strictEqual(built.status, 0, built.stdout + built.stderr)
  Fs.copyFileSync(Path.join(app, "dist", "toehold.mjs"), program)
}, 120_000)

afterAll(() => Fs.rmSync(folder, { recursive: true, force: true }))

const env = { ...process.env, TOEHOLD_HOME: Path.join(folder, "home"), HOME: folder }

/** The Node that runs the tests, and the machine's own where it is another one. */
const nodes = [process.execPath, "/usr/bin/node", "/usr/local/bin/node"]
  .filter((path) => Fs.existsSync(path))
  .map((path) => {
    const { stdout } = ChildProcess.spawnSync(path, ["--version"], { encoding: "utf8" })
    return { path, version: stdout.trim() }
  })
  .filter(({ version }, at, all) => all.findIndex((node) => node.version === version) === at)
  .filter(({ version }) => Number(/\d+/.exec(version)?.[0] ?? 0) >= 20)

const run = (node: string, args: ReadonlyArray<string>, input?: string) => {
  const { status, stderr, stdout } = ChildProcess.spawnSync(node, [program, ...args], { encoding: "utf8", env, input })
  return { status, stdout, stderr }
}

describe("the bundle", () => {
  it("is one file without a path of the machine that built it", () => {
    assert.deepStrictEqual(Fs.readdirSync(Path.join(app, "dist")), ["toehold.mjs"])
    const text = Fs.readFileSync(program, "utf8")
    assert.isTrue(text.startsWith("#!/usr/bin/env node\n"))
    assert.notInclude(text, Path.resolve(app, "../.."))
    assert.notMatch(text, /node_modules\/\.pnpm/)
    assert.notMatch(text, /[^\0-\x7f]/)
  })

  describe.each(nodes)("on Node $version", ({ path }) => {
    it("tells its version, its help and a wrong command line", () => {
      const { version }: { readonly version: string } = JSON.parse(
        Fs.readFileSync(Path.join(app, "../../packages/cli/package.json"), "utf8")
      )
      assert.deepStrictEqual(run(path, ["--version"]), { status: 0, stdout: `${version}\n`, stderr: "" })
      assert.include(run(path, ["help", "agents"]).stdout, "# For coding agents")
      assert.include(run(path, ["completion", "bash"]).stdout, "complete")
      const wrong = run(path, ["exce"])
      assert.deepStrictEqual([wrong.status, wrong.stdout], [64, ""])
      assert.include(wrong.stderr, 'Did you mean "exec"?')
    })

    it("makes keys, encrypted ones too", () => {
      const file = Path.join(
        folder,
        `key-${Path.basename(Path.dirname(path))}-${nodes.findIndex((node) => node.path === path)}`
      )
      const made = ChildProcess.spawnSync(
        path,
        [program, "keys", "generate", file, "--passphrase-env", "P", "--format", "ppk"],
        {
          encoding: "utf8",
          env: { ...env, P: "pass" }
        }
      )
      assert.strictEqual(made.status, 0, made.stderr)
      assert.include(Fs.readFileSync(file, "utf8"), "Encryption: aes256-cbc")
    })
  })
})

describeWith(["root"], "the bundle under sudo", () => {
  it("neither reads nor writes compiled code in another user's home", () => {
    const home = Path.join(folder, "of-another")
    Fs.mkdirSync(home)
    Fs.chownSync(home, 12_345, 12_345)
    const node = process.execPath
    const inHome = (TOEHOLD_HOME: string) =>
      ChildProcess.spawnSync(node, [program, "help"], { encoding: "utf8", env: { ...env, TOEHOLD_HOME } }).status
    assert.strictEqual(inHome(home), 0)
    assert.deepStrictEqual(Fs.readdirSync(home), [])
    const ours = Path.join(folder, "of-ours")
    assert.strictEqual(inHome(ours), 0)
    assert.deepStrictEqual(Fs.readdirSync(ours), ["toehold"])
  })
})

const sshd = layer().pipe(Layer.provideMerge(NodeServices.layer))

describeWith(["sshd"], "the bundle on a machine", () => {
  it.layer(sshd, { excludeTestServices: true })((it) => {
    const login = Effect.map(OpenSshServer, (server) => [
      `${server.user}@${server.host}:${server.port}`,
      "-F",
      "none",
      "--known-hosts",
      server.knownHostsPath,
      "-i",
      server.privateKeyPath
    ])

    it.effect("runs commands and the doctor, on every Node", () =>
      Effect.gen(function* () {
        const machine = yield* login
        for (const { path, version } of nodes) {
          const ran = run(
            path,
            ["exec", ...machine, "--stdin", "-", "--", "sh", "-c", "cat; echo err >&2; exit 9"],
            "in"
          )
          assert.deepStrictEqual(ran, { status: 9, stdout: "in", stderr: "err\n" }, version)
          assert.strictEqual(run(path, ["doctor", ...machine]).status, 0, version)
        }
      })
    )

    it.effect("never waits for an input that nobody asked for", () =>
      Effect.gen(function* () {
        const machine = yield* login
        const child = ChildProcess.spawn(process.execPath, [program, "exec", ...machine, "--", "cat"], {
          env,
          stdio: ["pipe", "ignore", "inherit"]
        })
        const code = yield* Effect.callback<number | null>((resume) => {
          child.once("exit", (code) => resume(Effect.succeed(code)))
        })
        assert.strictEqual(code, 0)
        child.stdin?.destroy()
      })
    )

    it.effect("kills the command on the machine when it is interrupted, and exits with 130", () =>
      Effect.gen(function* () {
        const machine = yield* login
        for (const signal of ["SIGINT", "SIGTERM"] as const) {
          const mark = Leaks.marker()
          // The marker stands in this program's own arguments as well.
          const child = ChildProcess.spawn(
            process.execPath,
            [program, "exec", ...machine, "--stdin", "-", "--", "sh", "-s"],
            {
              env,
              stdio: ["pipe", "ignore", "inherit"]
            }
          )
          child.stdin?.end(`sh -c 'sleep 600; :' ${mark}\n`)
          yield* Leaks.awaitProcesses(mark, 1)
          const code = yield* Effect.callback<number | null>((resume) => {
            child.once("exit", (code) => resume(Effect.succeed(code)))
            child.kill(signal)
          })
          assert.strictEqual(code, 130, signal)
          yield* Leaks.awaitProcesses(mark, 0)
        }
      })
    )

    it.effect("forwards until it is interrupted, and exits with 130", () =>
      Effect.gen(function* () {
        const machine = yield* login
        const socket = Path.join(folder, "forwarded")
        for (const signal of ["SIGINT", "SIGTERM"] as const) {
          const words = ["forward", ...machine, "--json", "-L", `${socket}:localhost:1`, "-D", "0"]
          const child = ChildProcess.spawn(process.execPath, [program, ...words], {
            env,
            stdio: ["ignore", "pipe", "inherit"]
          })
          let printed = ""
          child.stdout.on("data", (data: Buffer) => (printed += data.toString()))
          while (printed.split("\n").length < 3) yield* Effect.sleep("10 millis")
          assert.isTrue(Fs.existsSync(socket))
          const code = yield* Effect.callback<number | null>((resume) => {
            child.once("exit", (code) => resume(Effect.succeed(code)))
            child.kill(signal)
          })
          assert.deepStrictEqual([code, Fs.existsSync(socket)], [130, false], signal)
        }
      })
    )

    it.effect("stops when its reader goes away", () =>
      Effect.gen(function* () {
        const machine = yield* login
        const mark = Leaks.marker()
        const words = [program, "exec", ...machine, "--shell", `while :; do echo ${mark}; done`]
        const line = [process.execPath, ...words].map((word) => `'${word}'`).join(" ")
        const { status, stderr, stdout } = ChildProcess.spawnSync(
          "bash",
          ["-c", `${line} | head -n 1; exit \${PIPESTATUS[0]}`],
          {
            encoding: "utf8",
            env
          }
        )
        assert.deepStrictEqual({ status, stdout, stderr }, { status: 141, stdout: `${mark}\n`, stderr: "" })
        yield* Leaks.awaitProcesses(mark, 0)
      })
    )
  })
})
