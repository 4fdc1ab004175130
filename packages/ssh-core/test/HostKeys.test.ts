import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { describeWith, path as programPath } from "@toehold/lab/RealPart"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import * as SshServer from "@toehold/lab/SshServer"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as HostKeys from "@toehold/ssh-core/HostKeys"
import * as KnownHosts from "@toehold/ssh-core/KnownHosts"
import type * as SshError from "@toehold/ssh-core/SshError"
import * as SshPublicKey from "@toehold/ssh-core/SshPublicKey"
import { Clock, Effect, Fiber, FileSystem, Path, PlatformError, Result } from "effect"
import { TestClock } from "effect/testing"
import * as ChildProcess from "node:child_process"
import * as PublicKeys from "./fixtures/publicKeys.ts"

const ed = PublicKeys.ed25519()
const otherEd = PublicKeys.ed25519()
const ec = PublicKeys.ecdsa(256)
const rsa = PublicKeys.rsa()

const web = { host: "web", port: 22 }
const line = (hosts: string, key: PublicKeys.PublicKey): string => `${hosts} ${PublicKeys.text(key)}\n`

/** The line that `trust` writes with the comment `note`. */
const noted = (key: PublicKeys.PublicKey): string => line("web", key).replace("\n", " note\n")

const keygen = (...args: ReadonlyArray<string>) =>
  ChildProcess.spawnSync(programPath("ssh-keygen"), [...args], { encoding: "utf8" })

const denied = (method: string) => () =>
  Effect.fail(PlatformError.systemError({ _tag: "PermissionDenied", module: "FileSystem", method }))

/** A home folder of its own with `~/.ssh/known_hosts` as given, or without `~/.ssh`. */
const home = Effect.fnUntraced(function* (content?: string, platform: Partial<ClientPlatform.Platform> = {}) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const homeDir = yield* fs.makeTempDirectoryScoped({ prefix: "host-keys-" })
  const folder = path.join(homeDir, ".ssh")
  const file = path.join(folder, "known_hosts")
  if (content !== undefined) {
    yield* fs.makeDirectory(folder, { mode: 0o700 })
    yield* fs.writeFileString(file, content, { mode: 0o600 })
  }
  const service = (options: HostKeys.Options = {}) =>
    HostKeys.make({ globalFiles: [], ...options }).pipe(
      Effect.provide(ClientPlatform.layerOf({ homeDir, uid: process.getuid?.(), ...platform }))
    )
  return {
    folder,
    file,
    service,
    text: fs.readFileString(file),
    mode: (name: string) => Effect.map(fs.stat(name), (info) => info.mode & 0o777),
    names: Effect.map(fs.readDirectory(folder), (names) => [...names].sort())
  }
})

const reasonOf = <A>(effect: Effect.Effect<A, SshError.SshError>): Effect.Effect<SshError.Reason | undefined> =>
  Effect.map(Effect.result(effect), (result) => (Result.isFailure(result) ? result.failure.reason : undefined))

const tagOf = <A>(effect: Effect.Effect<A, SshError.SshError>): Effect.Effect<string | undefined> =>
  Effect.map(reasonOf(effect), (reason) => reason?._tag)

it.layer(NodeServices.layer)("HostKeys", (it) => {
  describe("verify", () => {
    it.effect("accept-new makes ~/.ssh and the file for the user alone, and knows the key from then on", () =>
      Effect.gen(function* () {
        const { file, folder, mode, names, service, text } = yield* home()
        const hostKeys = yield* service()
        const request = { host: "Web", port: 2222, key: ed.blob }
        assert.deepStrictEqual(yield* hostKeys.verify(request), { status: "added", file })
        assert.strictEqual(yield* text, line("[web]:2222", ed))
        assert.strictEqual(yield* mode(folder), 0o700)
        assert.strictEqual(yield* mode(file), 0o600)
        assert.deepStrictEqual(yield* names, ["known_hosts"])
        assert.strictEqual((yield* hostKeys.verify(request)).status, "known")
      })
    )

    it.effect("adds a whole line after one that lacks its newline", () =>
      Effect.gen(function* () {
        const { service, text } = yield* home("junk")
        yield* (yield* service()).verify({ ...web, key: ed.blob })
        assert.strictEqual(yield* text, `junk\n${line("web", ed)}`)
      })
    )

    it.effect("hashes new names if asked", () =>
      Effect.gen(function* () {
        const { service, text } = yield* home("")
        const hostKeys = yield* service({ hashNewHosts: true })
        yield* hostKeys.verify({ ...web, key: ed.blob })
        assert.match(yield* text, /^\|1\|\S{28}\|\S{28} ssh-ed25519 \S+\n$/)
        assert.strictEqual((yield* hostKeys.verify({ ...web, key: ed.blob })).status, "known")
      })
    )

    it.effect("strict refuses an unknown host, with the fingerprint and the files", () =>
      Effect.gen(function* () {
        const { file, names, service } = yield* home(line("@cert-authority web", ed).replace(" web", " web,mail"))
        const reason = yield* reasonOf((yield* service({ policy: "strict" })).verify({ ...web, key: ed.blob }))
        assert.deepInclude(reason, {
          _tag: "HostKeyUnknown",
          keyType: "ssh-ed25519",
          fingerprint: SshPublicKey.fingerprint(ed.blob),
          certAuthority: true
        })
        assert.deepStrictEqual(reason?._tag === "HostKeyUnknown" ? reason.files : [], [file, `${file}2`])
        assert.deepStrictEqual(yield* names, ["known_hosts"])
      })
    )

    it.effect("refuses a changed key with both fingerprints and where the known one is", () =>
      Effect.gen(function* () {
        const { file, service, text } = yield* home(`# mine\n${line("web", ed)}`)
        const reason = yield* reasonOf((yield* service()).verify({ ...web, key: otherEd.blob }))
        assert.deepInclude(reason, { _tag: "HostKeyChanged", fingerprint: SshPublicKey.fingerprint(otherEd.blob) })
        assert.deepStrictEqual(reason?._tag === "HostKeyChanged" ? reason.known : [], [
          { keyType: "ssh-ed25519", fingerprint: SshPublicKey.fingerprint(ed.blob), file, line: 2 }
        ])
        assert.strictEqual(yield* text, `# mine\n${line("web", ed)}`)
      })
    )

    it.effect("takes a key that any line or file has", () =>
      Effect.gen(function* () {
        const { file, service } = yield* home(line("web", otherEd) + line("web", rsa))
        const fs = yield* FileSystem.FileSystem
        yield* fs.writeFileString(`${file}-global`, line("w*", ed))
        const hostKeys = yield* service({ globalFiles: [`${file}-global`] })
        for (const key of [ed, otherEd, rsa]) {
          assert.strictEqual((yield* hostKeys.verify({ ...web, key: key.blob })).status, "known")
        }
      })
    )

    it.effect("refuses a revoked key under every policy, by each name of the host", () =>
      Effect.gen(function* () {
        for (const hosts of ["@revoked *", "@revoked web", "@revoked 10.0.0.1,[10.0.0.1]:2222"]) {
          const { service, text } = yield* home(line(hosts, ed) + line("[web]:2222", ed))
          for (const policy of ["strict", "accept-new", "off"] as const) {
            const hostKeys = yield* service({ policy })
            const request = { host: "web", port: 2222, address: "10.0.0.1", key: ed.blob }
            assert.strictEqual(yield* tagOf(hostKeys.verify(request)), "HostKeyRevoked", `${policy} ${hosts}`)
            assert.strictEqual(yield* tagOf(hostKeys.trust({ ...request, replace: true })), "HostKeyRevoked")
          }
          assert.strictEqual(yield* text, line(hosts, ed) + line("[web]:2222", ed))
        }
      })
    )

    it.effect("off takes unknown and changed keys and writes nothing", () =>
      Effect.gen(function* () {
        const { names, service, text } = yield* home(line("web", ed))
        const hostKeys = yield* service({ policy: "off" })
        assert.strictEqual((yield* hostKeys.verify({ ...web, key: otherEd.blob })).status, "unchecked")
        assert.strictEqual((yield* hostKeys.verify({ host: "mail", port: 22, key: ed.blob })).status, "unchecked")
        assert.strictEqual((yield* hostKeys.verify({ ...web, key: ed.blob })).status, "known")
        assert.deepStrictEqual(yield* hostKeys.knownTypes(web), [])
        assert.strictEqual(yield* text, line("web", ed))
        assert.deepStrictEqual(yield* names, ["known_hosts"])
      })
    )

    it.effect("checks the address too if it is given", () =>
      Effect.gen(function* () {
        const { service, text } = yield* home(line("10.0.0.1", otherEd))
        const hostKeys = yield* service()
        assert.strictEqual(
          yield* tagOf(hostKeys.verify({ ...web, address: "10.0.0.1", key: ed.blob })),
          "HostKeyChanged"
        )
        yield* hostKeys.verify({ ...web, address: "10.0.0.2", key: ed.blob })
        assert.strictEqual(yield* text, line("10.0.0.1", otherEd) + line("web,10.0.0.2", ed))
      })
    )

    it.effect("refuses names and keys that can't be written, and never writes them", () =>
      Effect.gen(function* () {
        const { service, text } = yield* home("")
        const hostKeys = yield* service()
        for (const host of ["web,*", "a b", "web\n@revoked *", "*"]) {
          assert.strictEqual(yield* tagOf(hostKeys.verify({ host, port: 22, key: ed.blob })), "InvalidArgument")
          assert.strictEqual(yield* tagOf(hostKeys.trust({ host, port: 22, key: ed.blob })), "InvalidArgument")
        }
        for (const key of [new Uint8Array(), ed.blob.subarray(0, 20), Buffer.from("junk")]) {
          assert.strictEqual(yield* tagOf(hostKeys.verify({ ...web, key })), "InvalidArgument")
        }
        assert.strictEqual(
          yield* tagOf(hostKeys.trust({ ...web, key: ed.blob, comment: "a\nmail ssh-rsa" })),
          "InvalidArgument"
        )
        assert.strictEqual(yield* text, "")
      })
    )

    it.effect("goes on where the file can't be written, and says so", () =>
      Effect.gen(function* () {
        const { folder, service } = yield* home("")
        const hostKeys = yield* service({ userFiles: [`${folder}/missing/known_hosts`] })
        const verified = yield* hostKeys.verify({ ...web, key: ed.blob })
        assert.strictEqual(verified.status === "not-saved" ? verified.cause.reason._tag : "", "NotFound")
      })
    )

    it.effect("refuses an unknown host where there is no file to remember it in", () =>
      Effect.gen(function* () {
        const { service } = yield* home("")
        const hostKeys = yield* service({ userFiles: [] })
        assert.strictEqual(yield* tagOf(hostKeys.verify({ ...web, key: ed.blob })), "HostKeyUnknown")
      })
    )

    it.effect("takes /dev/null for an empty file and leaves no lock in /dev", () =>
      Effect.gen(function* () {
        const { service } = yield* home("")
        const hostKeys = yield* service({ userFiles: ["/dev/null"] })
        assert.strictEqual((yield* hostKeys.verify({ ...web, key: ed.blob })).status, "added")
        assert.isFalse(yield* (yield* FileSystem.FileSystem).exists("/dev/null.lock"))
      })
    )

    it.effect("tells a file that may not be read from a home that may not be written", () =>
      Effect.gen(function* () {
        const { file, service } = yield* home("")
        const fs = yield* FileSystem.FileSystem
        const verify = (broken: Partial<FileSystem.FileSystem>) =>
          Effect.flatMap(service(), (hostKeys) => hostKeys.verify({ ...web, key: ed.blob })).pipe(
            Effect.provideService(FileSystem.FileSystem, { ...fs, ...broken })
          )
        const verified = yield* verify({ writeFileString: denied("writeFileString") })
        assert.strictEqual(verified.status === "not-saved" ? verified.cause.reason._tag : "", "PermissionDenied")
        const path = yield* Path.Path
        const unreadable = verify({ readFile: denied("readFile") }).pipe(Effect.provideService(Path.Path, path))
        assert.deepInclude(yield* reasonOf(unreadable), {
          _tag: "PermissionDenied",
          path: file
        })
      })
    )

    it.effect("fails with the path where a file can't be read", () =>
      Effect.gen(function* () {
        const { folder, service } = yield* home("")
        const hostKeys = yield* service({ userFiles: [folder] })
        assert.deepInclude(yield* reasonOf(hostKeys.verify({ ...web, key: ed.blob })), {
          _tag: "FileFailed",
          path: folder
        })
      })
    )
  })

  it.effect("gives up on a lock that is never given back", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { file, service, text } = yield* home(line("web", ed))
      yield* fs.writeFileString(`${file}.lock`, "somebody")
      const hostKeys = yield* service()
      const attempts = Effect.all([
        tagOf(hostKeys.forget(web)),
        hostKeys.verify({ host: "mail", port: 22, key: ed.blob })
      ])
      const fiber = yield* Effect.forkChild(attempts)
      while (fiber.pollUnsafe() === undefined) {
        yield* TestClock.adjust("1 second")
        // Lets the files' own operations come to an end.
        yield* fs.exists(file)
      }
      const [tag, verified] = yield* Fiber.join(fiber)
      assert.strictEqual(tag, "FileLocked")
      assert.strictEqual(verified.status === "not-saved" ? verified.cause.reason._tag : "", "FileLocked")
      assert.strictEqual(yield* text, line("web", ed))
    })
  )

  describe("known types", () => {
    it.effect("are those of the host's own lines", () =>
      Effect.gen(function* () {
        const { service } = yield* home(
          line("web", rsa) +
            line("web,mail", ed) +
            line("web", rsa) +
            line("@revoked web", ec) +
            line("@revoked old", ec) +
            line("@cert-authority ca", ec)
        )
        const hostKeys = yield* service()
        assert.deepStrictEqual(yield* hostKeys.knownTypes(web), ["ssh-rsa", "ssh-ed25519"])
        for (const host of ["old", "ca", "unheard-of"]) {
          assert.deepStrictEqual(yield* hostKeys.knownTypes({ host, port: 22 }), [])
        }
        assert.deepStrictEqual(yield* hostKeys.knownTypes({ host: "web", port: 2222 }), [])
        const reason = yield* reasonOf(hostKeys.changedBecauseNoKnownType(web))
        assert.deepInclude(reason, { _tag: "HostKeyChanged", keyType: "", fingerprint: "" })
        assert.strictEqual(reason?._tag === "HostKeyChanged" ? reason.known.length : 0, 3)
      })
    )

    it("become the algorithms that the driver supports, best first", () => {
      const supported = ["ssh-rsa", "rsa-sha2-256", "rsa-sha2-512", "ecdsa-sha2-nistp256", "ssh-ed25519", "ssh-dss"]
      assert.deepStrictEqual(HostKeys.serverHostKeyAlgorithms([], supported), [
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "rsa-sha2-512",
        "rsa-sha2-256",
        "ssh-rsa"
      ])
      assert.deepStrictEqual(HostKeys.serverHostKeyAlgorithms(["ssh-rsa"], supported), [
        "rsa-sha2-512",
        "rsa-sha2-256",
        "ssh-rsa"
      ])
      assert.deepStrictEqual(HostKeys.serverHostKeyAlgorithms(["ecdsa-sha2-nistp521"], supported), [])
    })
  })

  describe("trust", () => {
    it.effect("adds, replaces only when told, and keeps keys of other types", () =>
      Effect.gen(function* () {
        const { file, names, service, text } = yield* home("junk\r\n")
        const hostKeys = yield* service()
        const trust = (key: PublicKeys.PublicKey, replace?: boolean) =>
          hostKeys.trust({ ...web, key: key.blob, comment: "note", replace })
        assert.strictEqual((yield* trust(ed)).status, "added")
        assert.strictEqual((yield* trust(ed)).status, "known")
        assert.strictEqual((yield* trust(rsa)).status, "added")
        assert.strictEqual(yield* tagOf(trust(otherEd)), "HostKeyChanged")
        const replaced = yield* trust(otherEd, true)
        assert.strictEqual(replaced.status, "replaced")
        assert.deepStrictEqual(
          replaced.removed.map((entry) => [entry.file, entry.line, entry.keyType]),
          [[file, 2, "ssh-ed25519"]]
        )
        assert.strictEqual(yield* text, `junk\r\n${noted(rsa)}${noted(otherEd)}`)
        assert.deepStrictEqual(yield* names, ["known_hosts", "known_hosts.old"])
      })
    )
  })

  describe("forget and list", () => {
    it.effect("forget leaves markers, other hosts and junk, keeps the mode, and leaves a backup", () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const before = `\0\xff junk\r\n${line("@revoked web", ec)}${line("web,mail", ed)}${line("mail", rsa)}${line("w*", rsa)}end`
        const { file, mode, names, service, text } = yield* home(before)
        yield* fs.chmod(file, 0o640)
        const hostKeys = yield* service()
        const removed = yield* hostKeys.forget(web)
        assert.deepStrictEqual(
          removed.map((entry) => entry.line),
          [3, 5]
        )
        assert.strictEqual(yield* text, `\0\xff junk\r\n${line("@revoked web", ec)}${line("mail", rsa)}end`)
        assert.strictEqual(yield* fs.readFileString(`${file}.old`), before)
        assert.strictEqual(yield* mode(file), 0o640)
        assert.deepStrictEqual(yield* names, ["known_hosts", "known_hosts.old"])
        assert.deepStrictEqual(yield* hostKeys.forget(web), [])
      })
    )

    it.effect("writes through a symbolic link, also one that points at nothing yet", () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const { file, folder, service } = yield* home("")
        yield* fs.makeDirectory(`${folder}/dotfiles`)
        yield* fs.remove(file)
        yield* fs.symlink("dotfiles/hosts", file)
        const hostKeys = yield* service()
        yield* hostKeys.verify({ ...web, key: ed.blob })
        yield* hostKeys.verify({ host: "mail", port: 22, key: ed.blob })
        yield* hostKeys.forget(web)
        assert.strictEqual(yield* fs.readLink(file), "dotfiles/hosts")
        assert.strictEqual(yield* fs.readFileString(`${folder}/dotfiles/hosts`), line("mail", ed))
        assert.deepStrictEqual([...(yield* fs.readDirectory(`${folder}/dotfiles`))].sort(), ["hosts", "hosts.old"])
      })
    )

    it.effect("list gives every line, or those for a host", () =>
      Effect.gen(function* () {
        const { service } = yield* home(line("@revoked web", ec) + line("mail", ed) + line("w*", rsa))
        const hostKeys = yield* service()
        assert.strictEqual((yield* hostKeys.list()).length, 3)
        assert.deepStrictEqual(
          (yield* hostKeys.list(web)).map((entry) => entry.line),
          [1, 3]
        )
      })
    )
  })

  it("reads the files of the platform", () => {
    const base = { userName: "me", hostName: "pc", uid: undefined }
    assert.deepStrictEqual(
      HostKeys.defaultFiles({ ...base, os: "win32", homeDir: "C:\\Users\\me", env: { PROGRAMDATA: "D:\\Data" } }),
      {
        userFiles: ["C:\\Users\\me\\.ssh\\known_hosts", "C:\\Users\\me\\.ssh\\known_hosts2"],
        globalFiles: ["D:\\Data\\ssh\\ssh_known_hosts", "D:\\Data\\ssh\\ssh_known_hosts2"]
      }
    )
    assert.deepStrictEqual(HostKeys.defaultFiles({ ...base, os: "darwin", homeDir: "/Users/me", env: {} }), {
      userFiles: ["/Users/me/.ssh/known_hosts", "/Users/me/.ssh/known_hosts2"],
      globalFiles: ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"]
    })
  })
})

describe("HostKeys beside other writers", () => {
  const live = Effect.provide(NodeServices.layer)

  it.live("takes over a lock that was left behind", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { file, names, service } = yield* home("")
      yield* fs.writeFileString(`${file}.lock`, "gone")
      const longAgo = (yield* Clock.currentTimeMillis) / 1000 - 60
      yield* fs.utimes(`${file}.lock`, longAgo, longAgo)
      assert.strictEqual((yield* (yield* service()).verify({ ...web, key: ed.blob })).status, "added")
      assert.deepStrictEqual(yield* names, ["known_hosts"])
    }).pipe(live)
  )

  it.live("waits for a lock, and leaves one that is not its own", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { file, names, service, text } = yield* home(line("web", ed))
      yield* fs.writeFileString(`${file}.lock`, "somebody")
      const hostKeys = yield* service()
      const outcome = yield* Effect.timeoutOption(hostKeys.forget(web), "300 millis")
      assert.strictEqual(outcome._tag, "None")
      assert.strictEqual(yield* fs.readFileString(`${file}.lock`), "somebody")
      assert.strictEqual(yield* text, line("web", ed))
      const freed = Effect.andThen(Effect.sleep("100 millis"), fs.remove(`${file}.lock`))
      const [removed] = yield* Effect.all([hostKeys.forget(web), freed], { concurrency: 2 })
      assert.strictEqual(removed.length, 1)
      assert.deepStrictEqual(yield* names, ["known_hosts", "known_hosts.old"])
    }).pipe(live)
  )

  it.live("keeps a line that ssh adds in the middle of a rewrite", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { file, names, service, text } = yield* home(line("web", ed))
      let rewrites = 0
      const hostKeys = yield* service().pipe(
        Effect.provideService(FileSystem.FileSystem, {
          ...fs,
          // The last step before the new file takes the old one's place.
          chmod: (path, mode) =>
            Effect.andThen(
              rewrites++ === 0 ? fs.writeFileString(file, line("mail", rsa), { flag: "a" }) : Effect.void,
              fs.chmod(path, mode)
            )
        })
      )
      yield* hostKeys.forget(web)
      assert.strictEqual(rewrites, 2)
      assert.strictEqual(yield* text, line("mail", rsa))
      assert.deepStrictEqual(yield* names, ["known_hosts", "known_hosts.old"])
    }).pipe(live)
  )

  it.live("loses no line of several programs, and the file can be read at every moment", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { file, names, text } = yield* home(`# kept\n${line("first", rsa)}`)
      const writers = ["a", "b", "c", "d"]
      const count = 12
      const run = (prefix: string) =>
        Effect.callback<string>((resume) => {
          const child = ChildProcess.spawn(
            process.execPath,
            [new URL("fixtures/addHosts.ts", import.meta.url).pathname, file, prefix, String(count)],
            { stdio: ["ignore", "ignore", "pipe"] }
          )
          let stderr = ""
          child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk))
          child.on("close", (code) => resume(Effect.succeed(code === 0 ? "" : `${code} ${stderr}`)))
          return Effect.sync(() => child.kill())
        })
      const seen = new Set<string>()
      const look = Effect.gen(function* () {
        const parsed = yield* Effect.fromResult(KnownHosts.parse(file, yield* fs.readFile(file)))
        assert.strictEqual(parsed.skippedCount, 0)
        const present = new Set(parsed.entries.map((entry) => entry.hosts))
        for (const name of seen) assert.isTrue(present.has(name), `${name} was there and is gone`)
        for (const name of present) if (!name.startsWith("passing-")) seen.add(name)
      })
      const watching = Effect.forever(Effect.andThen(look, Effect.sleep("3 millis")))
      const ended = yield* Effect.raceFirst(Effect.forEach(writers, run, { concurrency: "unbounded" }), watching)
      assert.deepStrictEqual(ended, ["", "", "", ""])
      const hosts = (yield* Effect.fromResult(KnownHosts.parse(file, Buffer.from(yield* text)))).entries
      assert.deepStrictEqual(
        hosts.map((entry) => entry.hosts).sort(),
        [
          "first",
          ...writers.flatMap((prefix) => Array.from({ length: count }, (_, index) => `${prefix}-${index}`))
        ].sort()
      )
      assert.deepStrictEqual(yield* names, ["known_hosts", "known_hosts.old"])
    }).pipe(live)
  )
})

describeWith(["ssh-keygen"], "HostKeys beside ssh-keygen", () => {
  it.effect("forgets the same lines as ssh-keygen -R, and it finds what is trusted here", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const hashed = KnownHosts.hashName("[web]:2222", Buffer.alloc(20, 3))
      const before =
        line(hashed, ed) +
        line("[web]:2222,web", rsa) +
        line("@revoked [web]:2222", ec) +
        line("web", ed) +
        line("[*]:2222", ec)
      const { file, service, text } = yield* home(before)
      const hostKeys = yield* service({ hashNewHosts: true })
      yield* fs.writeFileString(`${file}-theirs`, before)
      keygen("-R", "[web]:2222", "-f", `${file}-theirs`)
      const removed = yield* hostKeys.forget({ host: "web", port: 2222 })
      assert.deepStrictEqual(
        removed.map((entry) => entry.line),
        [1, 2, 5]
      )
      assert.strictEqual(yield* text, yield* fs.readFileString(`${file}-theirs`))
      assert.strictEqual(yield* fs.readFileString(`${file}.old`), yield* fs.readFileString(`${file}-theirs.old`))
      yield* hostKeys.trust({ host: "mail", port: 2200, key: otherEd.blob })
      assert.include(keygen("-l", "-F", "[mail]:2200", "-f", file).stdout, SshPublicKey.fingerprint(otherEd.blob))
    }).pipe(Effect.provide(NodeServices.layer))
  )
})

describeWith(["ssh", "sshd", "ssh-keygen"], "HostKeys beside a real connection", () => {
  it.live(
    "accepts, refuses and writes as ssh does",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const server = yield* OpenSshServer.make({ hostKeyTypes: ["ed25519"] })
        const { host, port } = server
        const key = { type: "ssh-ed25519", blob: server.hostKeys[0]?.blob ?? new Uint8Array() }
        const request = { host, port, key: key.blob }
        const here = `[${host}]:${port}`
        const files = [
          "",
          "# comment\n\njunk\n",
          line(here, key),
          line(here, otherEd),
          line(here, rsa),
          line(here, rsa) + line(here, key),
          line("127.0.0.1", key),
          line("127.0.0.1", otherEd),
          line("*", key),
          line(`*,!${here}`, key),
          line(`!${here},*`, otherEd),
          line("[127.0.0.?]:*", otherEd),
          line(KnownHosts.hashName(here, Buffer.alloc(20, 5)), key),
          line(KnownHosts.hashName(here, Buffer.alloc(20, 5)), otherEd),
          line(`@revoked ${here}`, key) + line(here, key),
          line("@revoked *", otherEd) + line(here, key),
          line(`@cert-authority ${here}`, otherEd),
          line(here, key).replace(" ", "\t").replace("\n", "\r\n"),
          `${here} ssh-ed25519 AAAA\n`,
          `${here} ssh-ed25519 ${PublicKeys.base64(rsa)}\n`
        ]
        // The policies differ for unknown hosts alone.
        const cases = { strict: ["", line(here, key), line("127.0.0.1", key)], "accept-new": files }
        for (const policy of ["strict", "accept-new"] as const) {
          for (const content of cases[policy]) {
            const [ours, theirs] = [`${server.tempDir}/ours`, `${server.tempDir}/theirs`]
            for (const file of [ours, theirs]) yield* fs.writeFileString(file, content, { mode: 0o600 })
            // The first value of an option wins.
            const checking = `StrictHostKeyChecking=${policy === "strict" ? "yes" : policy}`
            const options = [checking, `UserKnownHostsFile=${theirs}`, "UpdateHostKeys=no"]
            const ssh = [...options.flatMap((option) => ["-o", option]), ...SshServer.sshArguments(server), "exit 7"]
            const accepted = ChildProcess.spawnSync(programPath("ssh"), ssh).status === 7
            const hostKeys = yield* HostKeys.make({ policy, userFiles: [ours], globalFiles: [] }).pipe(
              Effect.provide(ClientPlatform.layer)
            )
            const reason = yield* tagOf(hostKeys.verify(request))
            assert.strictEqual(reason === undefined, accepted, `${policy}: ${reason}\n${content}`)
            assert.strictEqual(yield* fs.readFileString(ours), yield* fs.readFileString(theirs))
          }
        }
      }).pipe(Effect.provide(NodeServices.layer)),
    60_000
  )
})
