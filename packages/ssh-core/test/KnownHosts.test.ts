import { assert, describe, it } from "@effect/vitest"
import * as KnownHosts from "@toehold/ssh-core/KnownHosts"
import * as SshPublicKey from "@toehold/ssh-core/SshPublicKey"
import { describeWith, path as programPath } from "@toehold/lab/RealPart"
import { Result, Schema } from "effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll } from "vitest"
import * as PublicKeys from "./fixtures/publicKeys.ts"

const keys = [
  PublicKeys.ed25519(),
  PublicKeys.ed25519(),
  PublicKeys.ecdsa(256),
  PublicKeys.ecdsa(384),
  PublicKeys.ecdsa(521),
  PublicKeys.rsa()
] as const
const [ed, , , , , rsa] = keys

const read = (text: string | Uint8Array): KnownHosts.KnownHosts =>
  Result.getOrThrow(KnownHosts.parse("known_hosts", Buffer.from(text)))

const linesFor = (text: string, host: KnownHosts.Host): ReadonlyArray<number> =>
  KnownHosts.lookup([read(text)], host).host.map((entry) => entry.line)

const web: KnownHosts.Host = { host: "web", port: 22 }

const remove = (text: string, ...lines: ReadonlyArray<number>) =>
  Buffer.from(KnownHosts.removeLines(Buffer.from(text), new Set(lines))).toString()

describe("KnownHosts", () => {
  describe("parse", () => {
    it("reads marker, hosts, key and comment", () => {
      const { entries, skipped } = read(
        `# note\n\n  web,10.0.0.1 ${PublicKeys.text(ed)} first server\n@revoked\t* ${PublicKeys.text(rsa)}\n@cert-authority *.b ${PublicKeys.text(ed)}`
      )
      assert.deepStrictEqual(
        entries.map(({ comment, hosts, keyType, line, marker }) => ({ comment, hosts, keyType, line, marker })),
        [
          { comment: "first server", hosts: "web,10.0.0.1", keyType: "ssh-ed25519", line: 3, marker: undefined },
          { comment: "", hosts: "*", keyType: "ssh-rsa", line: 4, marker: "revoked" },
          { comment: "", hosts: "*.b", keyType: "ssh-ed25519", line: 5, marker: "cert-authority" }
        ]
      )
      assert.deepStrictEqual(Buffer.from(entries[0]?.blob ?? []), Buffer.from(ed.blob))
      assert.deepStrictEqual(skipped, [])
    })

    it("takes CRLF, blank CRLF lines and a signature algorithm for the key type", () => {
      const { entries, skipped } = read(
        `web ${PublicKeys.text(ed)}\r\n\r\nweb rsa-sha2-512 ${PublicKeys.base64(rsa)} note\r\n`
      )
      assert.deepStrictEqual(
        entries.map(({ comment, keyType }) => ({ comment, keyType })),
        [
          { comment: "", keyType: "ssh-ed25519" },
          { comment: "note", keyType: "ssh-rsa" }
        ]
      )
      assert.deepStrictEqual(skipped, [])
    })

    it("says why a line is skipped", () => {
      const key = PublicKeys.base64(ed)
      const lines = [
        "@revoked @revoked web ssh-ed25519 AAAA",
        "@other web ssh-ed25519 AAAA",
        "web",
        "web ssh-ed25519",
        "|1|AAAA|AAAA ssh-ed25519 AAAA",
        "web 1024 35 1234567890",
        `web ssh-mldsa-87 ${key}`,
        "web ssh-ed25519 AAA",
        "web ssh-ed25519 !!!!",
        `web ssh-rsa ${key}`,
        `web ssh-ed25519 ${key.slice(0, -8)}`
      ]
      assert.deepStrictEqual(
        read(lines.join("\n")).skipped.map(({ line, reason }) => `${line} ${reason}`),
        [
          "1 more than one marker",
          "2 unknown marker",
          "3 the line ends before the key",
          "4 the line ends before the key",
          "5 malformed hashed host",
          "6 unsupported key type",
          "7 unsupported key type",
          "8 the key is not base64",
          "9 the key is not base64",
          "10 the key is not a whole one of the named type",
          "11 the key is not a whole one of the named type"
        ]
      )
    })

    it("counts junk beyond the first thousand lines", () => {
      const junk = read("x\n".repeat(5000))
      assert.strictEqual(junk.skipped.length, 1000)
      assert.strictEqual(junk.skippedCount, 5000)
    })

    it("refuses more than 16 MiB", () => {
      const result = KnownHosts.parse("kh", new Uint8Array(KnownHosts.maxFileBytes + 1))
      assert.strictEqual(Result.isFailure(result) ? result.failure.reason._tag : undefined, "FileFailed")
    })

    it("takes time in proportion to the size of the file", () => {
      const size = KnownHosts.maxFileBytes - 200
      // Quadratic work on any of these would take hours.
      for (const filler of ["\n", "a ", "|", "@", ",", " ", "\r", "a,*"]) {
        const hosts = filler.repeat(Math.ceil(size / filler.length)).slice(0, size)
        const file = read(`${hosts} ${PublicKeys.text(ed)}\n`)
        KnownHosts.lookup([file], { host: "w".repeat(255), port: 2222, address: "10.0.0.1" })
      }
    })

    it.prop(
      "takes any bytes",
      [
        Schema.Uint8Array,
        Schema.Array(
          Schema.Literals(["@", "|1|", "web", " ", "\t", "\n", "\r", "\0", "#", "ssh-rsa", "AAAA", "=", ",", "!", "*"])
        )
      ],
      ([bytes, words]) => {
        for (const input of [bytes, Buffer.from(words.join("")), Buffer.concat([Buffer.from(words.join("")), bytes])]) {
          const file = read(input)
          KnownHosts.lookup([file], { host: "web", port: 2222, address: "::1" })
          assert.deepStrictEqual(Buffer.from(KnownHosts.removeLines(input, new Set())), Buffer.from(input))
        }
      },
      { arbitrary: { runs: 300 } }
    )
  })

  describe("lookup", () => {
    it("looks for [host]:port, and for the host alone where only that is known", () => {
      const file = read(`web ${PublicKeys.text(ed)}\n[web]:2222 ${PublicKeys.text(rsa)}\n`)
      const found = KnownHosts.lookup([file], { host: "WEB", port: 2222 })
      assert.deepStrictEqual(
        found.host.map((entry) => entry.line),
        [2]
      )
      assert.deepStrictEqual(
        found.withoutPort.map((entry) => entry.line),
        [1]
      )
    })

    it("takes an alias in place of host and port", () => {
      const file = read(`web ${PublicKeys.text(ed)}\nblue ${PublicKeys.text(ed)}\n`)
      const found = KnownHosts.lookup([file], { host: "web", port: 2222, alias: "Blue" })
      assert.deepStrictEqual(
        found.host.map((entry) => entry.line),
        [2]
      )
      assert.deepStrictEqual(found.withoutPort, [])
    })

    it("looks for the address only if it is given", () => {
      const file = read(`10.0.0.1,[10.0.0.1]:2222 ${PublicKeys.text(ed)}\n`)
      assert.deepStrictEqual(KnownHosts.lookup([file], web).address, [])
      for (const port of [22, 2222]) {
        assert.strictEqual(KnownHosts.lookup([file], { host: "web", port, address: "10.0.0.1" }).address.length, 1)
      }
    })

    it("matches nothing by a pattern longer than OpenSSH takes", () => {
      const key = PublicKeys.text(ed)
      assert.deepStrictEqual(linesFor(`web,${"*".repeat(1023)} ${key}\n${"*".repeat(1022)} ${key}\n`, web), [2])
    })

    it("matches a hashed name whatever its case", () => {
      const hashed = KnownHosts.hashName("Web", Buffer.alloc(20, 7))
      assert.deepStrictEqual(linesFor(`${hashed} ${PublicKeys.text(ed)}\n`, { host: "wEB", port: 22 }), [1])
    })
  })

  describe("format", () => {
    it("writes one line for host and address, or a hashed one for each", () => {
      const host: KnownHosts.Host = { host: "Web", port: 2222, address: "fe80::1%eth0" }
      const plain = KnownHosts.format({ host, blob: ed.blob, comment: "note" })
      assert.strictEqual(plain, `[web]:2222,[fe80::1%eth0]:2222 ${PublicKeys.text(ed)} note\n`)
      const hashed = KnownHosts.format({ host, blob: ed.blob, salt: () => Buffer.alloc(20, 1) })
      const found = KnownHosts.lookup([read(hashed)], host)
      assert.deepStrictEqual(
        found.host.map((entry) => entry.line),
        [1]
      )
      assert.deepStrictEqual(
        found.address.map((entry) => entry.line),
        [2]
      )
    })

    it("knows the names that would mean something else in the file", () => {
      for (const name of [
        "",
        "a b",
        "a\nb",
        "a,b",
        "*",
        "w?b",
        "!web",
        "@web",
        "|1|",
        "#a",
        "[a]",
        "a'",
        "a\u2028b",
        "\ud800"
      ]) {
        assert.isFalse(KnownHosts.isStorable({ host: name, port: 22 }), name)
        assert.isFalse(KnownHosts.isStorable({ host: "web", port: 22, alias: name }), name)
        assert.isFalse(KnownHosts.isStorable({ host: "web", port: 22, address: name }), name)
      }
      assert.isTrue(KnownHosts.isStorable({ host: "a-b_c.example.com", port: 22, address: "fe80::1%eth0" }))
    })

    it.prop(
      "writes nothing but lines for the host",
      [Schema.String, Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 }))],
      ([name, port]) => {
        const host = { host: name, port }
        if (!KnownHosts.isStorable(host)) return
        const { entries, skippedCount } = read(KnownHosts.format({ host, blob: ed.blob }))
        assert.strictEqual(skippedCount, 0)
        assert.deepStrictEqual(
          KnownHosts.lookup([{ file: "", entries, skipped: [], skippedCount }], host).host,
          entries
        )
        assert.strictEqual(entries.length, 1)
      },
      { arbitrary: { runs: 300 } }
    )
  })

  it("removes lines and leaves every other byte", () => {
    assert.strictEqual(remove("a\r\nb\n\nc", 2), "a\r\n\nc")
    assert.strictEqual(remove("a\nb\nc", 1, 3), "b\n")
    assert.strictEqual(remove("a\nb\n", 1, 2, 3, 9), "")
    assert.strictEqual(remove("", 1), "")
  })
})

const names = [
  "web",
  "WEB",
  "web.example.com",
  "*.example.com",
  "!web",
  "!*.example.com",
  "w?b",
  "*",
  "[web]:2222",
  "[*]:2222",
  "[WEB]:22*",
  "192.0.2.7",
  "192.0.2.*",
  "[192.0.2.7]:2222",
  "2001:db8::7",
  ""
] as const

const queries = [
  "web",
  "web.example.com",
  "a.example.com",
  "192.0.2.7",
  "2001:db8::7",
  "[web]:2222",
  "[a]:2222",
  "[192.0.2.7]:2222"
]

/** `[host]:port` taken apart again. */
const hostOf = (name: string): KnownHosts.Host => {
  const [, host = name, port = "22"] = /^\[(.*)\]:(\d+)$/.exec(name) ?? []
  return { host, port: Number(port) }
}

const junk = [
  "",
  "   ",
  "# comment",
  "junk",
  "web junk",
  "web ssh-ed25519",
  "@other web ssh-ed25519 AAAA",
  "web 2048 35 12345",
  "web ssh-nothing AAAA",
  "web ssh-ed25519 AAAA",
  "|1|AAAA|AAAA ssh-ed25519 AAAA",
  `web ssh-rsa ${PublicKeys.base64(ed)}`,
  `web rsa-sha2-256 ${PublicKeys.base64(rsa)} by signature algorithm`
]

const Line = Schema.Struct({
  junk: Schema.NullOr(Schema.Literals(junk)),
  marker: Schema.Literals(["", "", "", "", "@revoked ", "@cert-authority "]),
  names: Schema.Array(Schema.Literals(names)).check(Schema.isMinLength(1), Schema.isMaxLength(3)),
  hashed: Schema.Boolean,
  key: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: keys.length - 1 })),
  blank: Schema.Literals([" ", "\t", "  "]),
  comment: Schema.Literals(["", " me@home", " two words"]),
  ending: Schema.Literals(["\n", "\r\n"])
})

const plainLine = (line: typeof Line.Type): string => {
  const [first] = line.names
  const isName = first !== "" && !/[*?!]/.test(first ?? "")
  const hosts =
    line.hashed && isName ? KnownHosts.hashName(first ?? "", Buffer.alloc(20, line.key)) : line.names.join(",")
  const key = keys[line.key] ?? ed
  // A line can't start with an empty host field.
  const written = hosts === "" ? "," : hosts
  return `${line.marker}${written}${line.blank}${PublicKeys.text(key)}${line.comment}${line.ending}`
}

const found = (stdout: string): ReadonlyArray<string> =>
  stdout.match(/(?<=^# Host .* found: line )\d+.*|SHA256:\S+/gm) ?? []

const keysOf = (text: string, query: string) =>
  new Set(KnownHosts.lookup([read(text)], hostOf(query)).host.map((entry) => SshPublicKey.fingerprint(entry.blob)))

describeWith(["ssh-keygen"], "KnownHosts beside ssh-keygen", () => {
  const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "known-hosts-"))
  afterAll(() => Fs.rmSync(folder, { recursive: true, force: true }))

  const keygen = (text: string, ...args: ReadonlyArray<string>): { readonly stdout: string; readonly text: string } => {
    const file = Path.join(folder, "known_hosts")
    Fs.writeFileSync(file, text)
    const { stdout } = ChildProcess.spawnSync(programPath("ssh-keygen"), [...args, "-f", file], { encoding: "utf8" })
    return { stdout, text: Fs.readFileSync(file, "utf8") }
  }

  const marks = { "cert-authority": " CA", revoked: " REVOKED" }

  it.prop(
    "finds the same lines and fingerprints",
    [Schema.Array(Line).check(Schema.isMaxLength(8)), Schema.Literals(queries)],
    ([lines, query]) => {
      const text = lines.map((line) => (line.junk === null ? plainLine(line) : `${line.junk}${line.ending}`)).join("")
      const ours = KnownHosts.lookup([read(text)], hostOf(query)).host.flatMap(({ blob, line, marker }) => [
        `${line}${marker === undefined ? " " : marks[marker]}`,
        SshPublicKey.fingerprint(blob)
      ])
      assert.deepStrictEqual(ours, found(keygen(text, "-l", "-F", query).stdout), text)
    },
    { arbitrary: { runs: 250 } }
  )

  const valid = (lines: ReadonlyArray<typeof Line.Type>): string =>
    lines.map((line) => (line.junk?.startsWith("#") === true ? `${line.junk}\n` : plainLine(line))).join("")

  it.prop(
    "finds the same keys after ssh-keygen has hashed the names",
    [Schema.Array(Line).check(Schema.isMaxLength(8))],
    ([lines]) => {
      // ssh-keygen drops the names that follow an empty one.
      const text = valid(
        lines.map((line) => ({ ...line, names: line.names.map((name) => (name === "" ? "web" : name)) }))
      )
      const hashed = keygen(text, "-H").text
      for (const query of queries) assert.deepStrictEqual(keysOf(hashed, query), keysOf(text, query), text)
    },
    { arbitrary: { runs: 60 } }
  )

  it.prop(
    "removes the same lines",
    [Schema.Array(Line).check(Schema.isMaxLength(8)), Schema.Literals(queries)],
    ([lines, query]) => {
      const text = valid(lines)
      const gone = KnownHosts.lookup([read(text)], hostOf(query)).host.filter((entry) => entry.marker === undefined)
      const ours = KnownHosts.removeLines(Buffer.from(text), new Set(gone.map((entry) => entry.line)))
      assert.strictEqual(Buffer.from(ours).toString(), keygen(text, "-R", query).text)
    },
    { arbitrary: { runs: 120 } }
  )
})
