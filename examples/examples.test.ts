import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Stream } from "effect"
import { ChildProcess } from "effect/process"
import * as Http from "node:http"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import * as PtyShell from "@toehold/lab/PtyShell"
import { describeWith } from "@toehold/lab/RealPart"
import type { SshServer } from "@toehold/lab/SshServer"

/** Runs an example as a reader would, and gives back what it prints. */
const run = Effect.fnUntraced(function* (name: string, args: ReadonlyArray<string>) {
  const script = new URL(`${name}.ts`, import.meta.url).pathname
  const child = yield* ChildProcess.make(process.execPath, [script, ...args], { extendEnv: true })
  const [stdout, stderr] = yield* Effect.all(
    [Stream.mkString(Stream.decodeText(child.stdout)), Stream.mkString(Stream.decodeText(child.stderr))],
    { concurrency: 2 }
  )
  return { stdout, stderr, exitCode: Number(yield* child.exitCode) }
}, Effect.scoped)

/** The command line that a person would paste for the server. */
const machineOf = (server: SshServer): string =>
  `ssh -F none -i ${server.privateKeyPath} -p ${server.port} -o UserKnownHostsFile=${server.knownHostsPath} ${server.user}@${server.host}`

describeWith(["sshd"], "examples", () => {
  it.layer(OpenSshServer.layer().pipe(Layer.provideMerge(NodeServices.layer)), { excludeTestServices: true })((it) => {
    it.effect("run-command prints the output of a command", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const result = yield* run("run-command", [machineOf(server), "echo", "it's here"])
        assert.strictEqual(result.stdout, "it's here\n")
        assert.match(result.stderr, /^exit code 0 after \d+ ms\n$/m)
      })
    )

    it.effect("stream-output follows a command and kills it", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const { stdout } = yield* run("stream-output", [machineOf(server)])
        assert.match(stdout, /^process \d+ runs\nline 1\nline 2\nline 3\nkilled\n$/)
      })
    )

    it.effect("remote-files works with files of the machine", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const { stdout } = yield* run("remote-files", [machineOf(server)])
        const lines = stdout.split("\n").sort()
        assert.deepStrictEqual(lines, ["", "File copy.txt, 8893 bytes", "File it's here.txt, 8893 bytes", "NotFound"])
      })
    )

    it.effect("remote-pipeline runs there what was written for here", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const there = yield* run("remote-pipeline", [machineOf(server), "/"])
        assert.deepStrictEqual([there.exitCode, there.stdout.split("\n").slice(-2)], [0, ["exit code 0", ""]])
        assert.include(there.stdout.split("\n"), "bin")
        const here = yield* run("remote-pipeline", ["here", "/"])
        assert.strictEqual(here.stdout, there.stdout)
      })
    )

    it.effect("run-job follows a job to its end", () =>
      Effect.gen(function* () {
        const { exitCode, stdout } = yield* run("run-job", [])
        assert.deepStrictEqual([exitCode, stdout], [0, "line 1\nline 2\nline 3\nexit code 3\n"])
      })
    )

    it.effect("prepare-workspace clones a repository, and finds it the next time", () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const folder = yield* fs.makeTempDirectoryScoped()
        const git = ChildProcess.make("sh", [
          "-c",
          'cd "$1" && git init -q -b main repo && git -C repo -c user.name=a -c user.email=a@example.org commit -q --allow-empty -m one',
          "sh",
          folder
        ])
        assert.strictEqual(Number(yield* Effect.scoped(Effect.flatMap(git, (child) => child.exitCode))), 0)
        const args = [`file://${folder}/repo`, "main", `${folder}/workspaces`]
        const first = yield* run("prepare-workspace", args)
        assert.match(first.stdout, /\/workspaces\/example is at [0-9a-f]{40}\n$/)
        assert.include(first.stderr, "Cloning file://")
        const second = yield* run("prepare-workspace", args)
        assert.strictEqual(second.stdout, first.stdout)
        assert.notInclude(second.stderr, "Cloning")
        const wrong = yield* run("prepare-workspace", ["ext::sh -c id", "main", folder])
        assert.match(wrong.stdout, /^repoUrl: /)
      }).pipe(Effect.scoped)
    )

    it.effect("forward-port asks a web server through the machine", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const web = yield* Effect.acquireRelease(
          Effect.callback<Http.Server>((resume) => {
            const web = Http.createServer((_request, response) => void response.end("only for the machine"))
            web.listen(0, () => resume(Effect.succeed(web)))
          }),
          (web) => Effect.sync(() => void web.close())
        )
        const bound = web.address()
        const port = bound === null || typeof bound === "string" ? 0 : bound.port
        const { stdout } = yield* run("forward-port", [machineOf(server), `${port}`])
        assert.match(stdout, /^port \d+ of the machine is 127\.0\.0\.1:\d+ here\n200: only for the machine\n$/)
      })
    )

    it.effect("send-files sends files, and again only what is not there", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const words = [machineOf(server), `${server.tempDir}/made/here/`, server.privateKeyPath, server.knownHostsPath]
        const first = yield* run("send-files", words)
        assert.strictEqual(first.stdout, "2 files sent, 0 were there\n", first.stderr)
        const second = yield* run("send-files", words)
        assert.strictEqual(second.stdout, "0 files sent, 2 were there\n", second.stderr)
      })
    )

    it.effect("many-machines asks each, and keeps the failure of one apart", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const machine = machineOf(server)
        const { stderr, stdout } = yield* run("many-machines", [machine, "local:", "ssh -F none -p 1 127.0.0.1"])
        const lines = stdout.trimEnd().split("\n").toSorted()
        assert.match(lines[0] ?? "", /^local:: up for \d+ minutes$/)
        assert.match((lines[1] ?? "").replace(machine, "machine"), /^machine: up for \d+ minutes$/)
        assert.match(stderr, /^ssh -F none -p 1 127\.0\.0\.1: .*refused the connection/m)
      })
    )

    it.effect("convert-key prints a key's fingerprint and public half", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const { stdout } = yield* run("convert-key", [server.privateKeyPath])
        assert.include(stdout, server.key.fingerprint)
        assert.include(stdout, "ssh-ed25519 AAAA")
        const missing = yield* run("convert-key", [`${server.tempDir}/none`])
        assert.include(missing.stderr, "does not exist")
      })
    )
  })
})

describeWith(["sshd", "root"], "examples with a terminal", () => {
  it.layer(OpenSshServer.layer().pipe(Layer.provideMerge(NodeServices.layer)), { excludeTestServices: true })((it) => {
    it.effect("answer-questions has a program that asks answered", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const { stdout } = yield* run("answer-questions", [machineOf(server)])
        assert.strictEqual(stdout, "Hello Ada, a password of 12 characters.\n")
      })
    )
  })
})

describeWith(["script", "bash"], "examples over a serial console", () => {
  it.layer(NodeServices.layer, { excludeTestServices: true })((it) => {
    it.effect("serial-machine runs a pipeline there, and keeps a file whole", () =>
      Effect.gen(function* () {
        const pty = yield* PtyShell.make({ shell: "bash" })
        const { exitCode, stderr, stdout } = yield* run("serial-machine", [`serial:fifo:${pty.input},${pty.output}`])
        assert.deepStrictEqual([stdout, stderr, exitCode], ["1000\n256 bytes came back\n", "", 0])
      }).pipe(Effect.scoped)
    )
  })
})
