import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { OpenSshServer } from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { machineOf, sshd } from "./support/lab.ts"
import { toehold, toeholdJson } from "./support/program.ts"

interface Entry {
  readonly hosts: string
  readonly keyType: string
  readonly fingerprint: string
}

/** A known_hosts file of its own, in the server's folder. */
const setUp = (name: string, content?: string) =>
  Effect.map(OpenSshServer, (server) => {
    const file = Path.join(server.tempDir, name)
    if (content !== undefined) Fs.writeFileSync(file, content)
    const flags = ["-F", "none", "--known-hosts", file]
    return { server, file, flags, machine: machineOf(server), read: () => Fs.readFileSync(file, "utf8") }
  })

describeWith(["sshd"], "toehold hosts", () => {
  it.layer(sshd, { excludeTestServices: true })((it) => {
    it.effect("trust puts the key on file without a login, list shows it, forget removes it", () =>
      Effect.gen(function* () {
        const { file, flags, machine, read, server } = yield* setUp("trust")
        const trusted = yield* toeholdJson<Record<string, unknown>>(["hosts", "trust", machine, ...flags, "--json"])
        const name = `[${server.host}]:${server.port}`
        const [ed] = server.hostKeys
        assert.strictEqual(trusted.exitCode, 0, trusted.stderr)
        assert.deepStrictEqual(trusted.json, {
          machine,
          host: name,
          keyType: "ssh-ed25519",
          fingerprint: ed?.fingerprint,
          status: "added",
          removed: []
        })
        assert.strictEqual(read(), `${server.knownHosts[0]}\n`)
        assert.notMatch(yield* server.log, /Accepted|Failed/)

        const again = yield* toehold(["hosts", "trust", machine, ...flags])
        assert.strictEqual(again.stdout, `${name}  ssh-ed25519 ${ed?.fingerprint}  known\n`)

        const entry = {
          hosts: name,
          keyType: "ssh-ed25519",
          fingerprint: ed?.fingerprint,
          marker: null,
          file,
          line: 1,
          comment: ""
        }
        for (const which of [[], [machine]]) {
          const listed = yield* toeholdJson<{ hosts: ReadonlyArray<Entry> }>([
            "hosts",
            "list",
            ...which,
            ...flags,
            "--json"
          ])
          assert.deepStrictEqual(listed.json, { hosts: [entry as Entry] }) // with more fields
        }
        const forgotten = yield* toeholdJson<unknown>(["hosts", "forget", machine, ...flags, "--json"])
        assert.deepStrictEqual(forgotten.json, { machine, removed: [entry] })
        assert.strictEqual(read(), "")
        const nothing = yield* toehold(["hosts", "forget", machine, ...flags])
        assert.deepStrictEqual([nothing.exitCode, nothing.stdout], [0, `${name} was not known.\n`])
      })
    )

    it.effect("trust with a fingerprint takes that key and no other, whatever its type", () =>
      Effect.gen(function* () {
        const { flags, machine, read, server } = yield* setUp("fingerprint")
        const wrong = yield* toehold(["hosts", "trust", machine, ...flags, "--fingerprint", `SHA256:${"A".repeat(43)}`])
        assert.strictEqual(wrong.exitCode, 77)
        assert.include(wrong.stderr, server.hostKeys[0]?.fingerprint ?? "no key")
        assert.throws(read)
        const wanted = server.hostKeys[1]?.fingerprint ?? ""
        const right = yield* toehold(["hosts", "trust", machine, ...flags, "--fingerprint", wanted])
        assert.strictEqual(right.exitCode, 0, right.stderr)
        assert.strictEqual(read(), `${server.knownHosts[1]}\n`)
        const malformed = yield* toehold(["hosts", "trust", machine, ...flags, "--fingerprint", "MD5:00"])
        assert.strictEqual(malformed.exitCode, 64)
      })
    )

    it.effect("trust refuses a changed key until it is told to replace it", () =>
      Effect.gen(function* () {
        const { server } = yield* setUp("x")
        const name = `[${server.host}]:${server.port}`
        const stranger = "AAAAC3NzaC1lZDI1NTE5AAAAIJ9mUjlNsVnbOFYwMLzKBQ2pYJ8gZlQ0nB1c2aCxNBqE"
        const old = `${name} ssh-ed25519 ${stranger}\n`
        const { flags, machine, read } = yield* setUp("changed", `other ssh-ed25519 ${stranger}\n${old}`)
        const refused = yield* toehold(["hosts", "trust", machine, ...flags])
        assert.strictEqual(refused.exitCode, 77)
        assert.include(refused.stderr, "has changed")
        const replaced = yield* toeholdJson<{ status: string; removed: ReadonlyArray<Entry> }>([
          "hosts",
          "trust",
          machine,
          ...flags,
          "--replace",
          "--json"
        ])
        assert.deepStrictEqual(
          [replaced.exitCode, replaced.json.status, replaced.json.removed.length],
          [0, "replaced", 1]
        )
        assert.strictEqual(read(), `other ssh-ed25519 ${stranger}\n${server.knownHosts[0]}\n`)
      })
    )
  })
})
