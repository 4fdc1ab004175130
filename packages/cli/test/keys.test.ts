import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll } from "vitest"
import { OpenSshServer } from "@toehold/lab/OpenSshServer"
import * as RealPart from "@toehold/lab/RealPart"
import { bare, machineOf, password, sshd } from "./support/lab.ts"
import { toehold, toeholdJson } from "./support/program.ts"

const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "toehold-keys-"))
afterAll(() => Fs.rmSync(folder, { recursive: true, force: true }))

const at = (name: string): string => Path.join(folder, name)
const modeOf = (path: string): number => Fs.statSync(path).mode & 0o777
const env = { PASS: "open sesame", NEW: "another one", EMPTY: "", PW: password }
const run = (...words: ReadonlyArray<string>) => toehold(["keys", ...words], { platform: { env, homeDir: at("home") } })
const runJson = <A>(...words: ReadonlyArray<string>) =>
  toeholdJson<A>(["keys", ...words, "--json"], { platform: { env, homeDir: at("home") } })

interface Made {
  readonly type: string
  readonly bits: number
  readonly fingerprint: string
  readonly comment: string
  readonly encrypted: boolean
}

const keygen = (...args: ReadonlyArray<string>) =>
  ChildProcess.spawnSync(RealPart.path("ssh-keygen"), args, { encoding: "utf8" }).stdout.trim()

RealPart.describeWith(["ssh-keygen"], "toehold keys", () => {
  it.effect("generate makes a key that ssh-keygen reads, closed to others from the start", () =>
    Effect.gen(function* () {
      const made = yield* runJson<Made>("generate", at("ed"), "--comment", "me and you")
      assert.deepStrictEqual([made.exitCode, modeOf(at("ed")), modeOf(at("ed.pub"))], [0, 0o600, 0o644])
      assert.strictEqual(keygen("-lf", at("ed")), `256 ${made.json.fingerprint} me and you (ED25519)`)
      assert.strictEqual(keygen("-yf", at("ed")), Fs.readFileSync(at("ed.pub"), "utf8").trim())
      const rsa = yield* runJson<Made>(
        "generate",
        at("rsa"),
        "--type",
        "rsa",
        "--bits",
        "2048",
        "--passphrase-env",
        "PASS"
      )
      assert.deepStrictEqual([rsa.json.bits, rsa.json.encrypted], [2048, true])
      assert.include(keygen("-y", "-P", env.PASS, "-f", at("rsa")), "ssh-rsa ")
      const ppk = yield* run("generate", at("k.ppk"), "--format", "ppk")
      assert.strictEqual(ppk.exitCode, 0)
      assert.match(Fs.readFileSync(at("k.ppk"), "utf8"), /^PuTTY-User-Key-File-3: ssh-ed25519/)
      assert.deepStrictEqual(
        Fs.readdirSync(folder).filter((name) => name.startsWith(".")),
        []
      )
    })
  )

  it.effect("generate leaves a file that is there alone, unless it is forced", () =>
    Effect.gen(function* () {
      Fs.writeFileSync(at("taken"), "precious")
      Fs.writeFileSync(at("half.pub"), "precious")
      for (const name of ["taken", "half"]) {
        const { exitCode, stderr } = yield* run("generate", at(name))
        assert.strictEqual(exitCode, 64)
        assert.include(stderr, "--force")
      }
      assert.strictEqual(Fs.readFileSync(at("taken"), "utf8"), "precious")
      assert.isFalse(Fs.existsSync(at("half")))
      assert.strictEqual((yield* run("generate", at("taken"), "--force")).exitCode, 0)
      assert.include(Fs.readFileSync(at("taken"), "utf8"), "BEGIN OPENSSH PRIVATE KEY")
    })
  )

  it.effect("generate refuses what makes no sense", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* run("generate", at("n1"), "--bits", "2048")).exitCode, 64)
      assert.strictEqual((yield* run("generate", at("n2"), "--type", "rsa", "--bits", "1024")).exitCode, 64)
      assert.strictEqual((yield* run("generate", at("n3"), "--passphrase-env", "EMPTY")).exitCode, 64)
      assert.strictEqual((yield* run("generate", at("n4"), "--passphrase-env", "MISSING")).exitCode, 64)
      assert.strictEqual((yield* run("generate", at("no/such/folder"))).exitCode, 66)
      assert.isFalse(Fs.existsSync(at("n3")))
    })
  )

  it.effect("fingerprint agrees with ssh-keygen, for both hashes and both halves", () =>
    Effect.gen(function* () {
      yield* run("generate", at("fp"), "--comment", "c")
      for (const hash of ["sha256", "md5"]) {
        for (const file of [at("fp"), at("fp.pub")]) {
          const { stdout } = yield* run("fingerprint", file, "--hash", hash)
          const oracle = keygen("-l", "-E", hash, "-f", file).replace("(ED25519)", "(ssh-ed25519)")
          assert.strictEqual(stdout.trim(), oracle)
        }
      }
      assert.strictEqual((yield* run("fingerprint", at("missing"))).exitCode, 66)
      Fs.writeFileSync(at("junk"), "no key")
      assert.strictEqual((yield* run("fingerprint", at("junk"))).exitCode, 65)
    })
  )

  it.effect("convert keeps the key and its protection, there and back", () =>
    Effect.gen(function* () {
      yield* run("generate", at("c0"), "--passphrase-env", "PASS", "--comment", "c")
      const original = Fs.readFileSync(at("c0.pub"), "utf8").trim()
      const ppk = yield* runJson<Made>("convert", at("c0"), at("c1.ppk"), "--format", "ppk", "--passphrase-env", "PASS")
      assert.deepStrictEqual([ppk.exitCode, ppk.json.encrypted, modeOf(at("c1.ppk"))], [0, true, 0o600])
      const back = ["convert", at("c1.ppk"), at("c2"), "--format", "openssh", "--passphrase-env", "PASS"]
      assert.strictEqual((yield* run(...back, "--new-passphrase-env", "NEW")).exitCode, 0)
      assert.strictEqual(keygen("-y", "-P", env.NEW, "-f", at("c2")), original)
      yield* run("convert", at("c0"), at("c3.pub"), "--format", "public")
      assert.strictEqual(Fs.readFileSync(at("c3.pub"), "utf8").trim().split(" ")[1], original.split(" ")[1])
      yield* run("convert", at("c0.pub"), at("c4"), "--format", "rfc4716")
      assert.strictEqual(keygen("-i", "-f", at("c4")), original.split(" ").slice(0, 2).join(" "))
      const locked = yield* runJson<{ error: { reason: string } }>("convert", at("c0"), at("c5"), "--format", "ppk")
      assert.deepStrictEqual([locked.exitCode, locked.json.error.reason], [77, "KeyPassphraseMissing"])
      assert.strictEqual((yield* run(...back)).exitCode, 64)
    })
  )

  it.effect("list finds the keys in ~/.ssh and says which are encrypted", () =>
    Effect.gen(function* () {
      const ssh = at("home/.ssh")
      Fs.mkdirSync(ssh, { recursive: true })
      yield* run("generate", Path.join(ssh, "id_ed25519"), "--comment", "plain")
      yield* run("generate", Path.join(ssh, "work"), "--comment", "locked", "--passphrase-env", "PASS")
      for (const name of ["config", "known_hosts", "notes.txt"]) Fs.writeFileSync(Path.join(ssh, name), "Host x\n")
      const { json } = yield* runJson<{ keys: ReadonlyArray<Made & { source: string }> }>("list")
      assert.deepStrictEqual(
        json.keys.map(({ comment, encrypted, source, type }) => [Path.basename(source), type, comment, encrypted]),
        [
          ["id_ed25519", "ssh-ed25519", "plain", false],
          ["work", "ssh-ed25519", "locked", true]
        ]
      )
      assert.include((yield* run("list")).stdout, "locked [encrypted]\n")
      assert.deepStrictEqual((yield* toehold(["keys", "list"])).stdout, "")
    })
  )
})

RealPart.describeWith(["sshd"], "toehold keys install", () => {
  it.layer(sshd, { excludeTestServices: true })((it) => {
    it.effect("puts the key there once, ends what was there in a newline, and logs in with it", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const there = Path.join(server.homeDir, ".ssh", "authorized_keys")
        Fs.writeFileSync(there, `# nobody\n${server.key.publicKey}`)
        yield* run("generate", at("install"), "--comment", "it's me")
        const line = Fs.readFileSync(at("install.pub"), "utf8")
        const words = ["install", machineOf(server), at("install.pub"), ...bare(server), "--password-env", "PW"]
        const first = yield* runJson<{ status: string; verified: boolean; key: Made }>(...words)
        assert.deepStrictEqual(
          [first.exitCode, first.json.status, first.json.verified],
          [0, "added", true],
          first.stdout
        )
        const expected = `# nobody\n${server.key.publicKey}\n${line}`
        assert.strictEqual(Fs.readFileSync(there, "utf8"), expected)
        const second = yield* run(...words)
        assert.include(second.stdout, "was there already, and it logs in")
        assert.strictEqual(Fs.readFileSync(there, "utf8"), expected)
        const exec = yield* toehold([
          "exec",
          machineOf(server),
          ...bare(server),
          "-i",
          at("install"),
          "--",
          "echo",
          "in"
        ])
        assert.strictEqual(exec.stdout, "in\n")
      })
    )

    it.effect("makes folder and file closed to others, and says when it can't try the key", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const ssh = Path.join(server.homeDir, ".ssh")
        Fs.rmSync(ssh, { recursive: true })
        yield* run("generate", at("gone"))
        Fs.rmSync(at("gone"))
        const words = ["install", machineOf(server), at("gone.pub"), ...bare(server), "--password-env", "PW"]
        const { exitCode, json, stderr } = yield* runJson<{ verified: boolean }>(...words)
        assert.deepStrictEqual([exitCode, json.verified], [0, false])
        assert.include(stderr, "was not tried")
        assert.deepStrictEqual([modeOf(ssh), modeOf(Path.join(ssh, "authorized_keys"))], [0o700, 0o600])
      })
    )

    it.effect("never sends a private key", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        yield* run("generate", at("alone"))
        Fs.rmSync(at("alone.pub"))
        const { exitCode, stderr } = yield* run(
          "install",
          machineOf(server),
          at("alone"),
          ...bare(server),
          "--password-env",
          "PW"
        )
        assert.strictEqual(exitCode, 64)
        assert.include(stderr, "it is a private key")
        const endless = yield* run("install", machineOf(server), "/dev/zero", ...bare(server), "--password-env", "PW")
        assert.deepStrictEqual([endless.exitCode, endless.stderr.includes("larger than")], [74, true])
        const wrong = yield* run(
          "install",
          machineOf(server),
          at("alone"),
          ...bare(server),
          "--password-file",
          "/dev/zero"
        )
        assert.strictEqual(wrong.exitCode, 74)
        const none = yield* run("install", machineOf(server), ...bare(server), "--password-env", "PW")
        assert.strictEqual(none.exitCode, 0, none.stderr)
      })
    )
  })
})

describe("toehold keys on Windows", () => {
  it.effect("looks in the profile's .ssh folder, and for the agents' pipes", () =>
    Effect.gen(function* () {
      const { exitCode, json } = yield* toeholdJson<{ keys: ReadonlyArray<unknown> }>(["keys", "list", "--json"], {
        platform: { os: "win32", homeDir: "C:\\Users\\nobody" }
      })
      assert.deepStrictEqual([exitCode, json.keys], [0, []])
    })
  )
})
