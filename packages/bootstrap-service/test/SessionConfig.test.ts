import { assert, describe, it } from "@effect/vitest"
import { Redacted, Result, Schema } from "effect"
import { describeWith } from "@toehold/lab/RealPart"
import * as ChildProcess from "node:child_process"
import * as SessionConfig from "../src/SessionConfig.ts"

const good = { sessionId: "s1", repoUrl: "https://github.com/example/repo.git", vmId: "vm-1", vmIp: "10.0.100.20" }

const fault = (changes: Readonly<Record<string, unknown>>): string => {
  const result = SessionConfig.decode({ ...good, ...changes })
  if (Result.isSuccess(result)) return "none"
  const { reason } = result.failure
  return reason._tag === "InvalidConfig" ? reason.field : reason._tag
}

const hostile = [
  "",
  "a b",
  "a'b",
  'a"b',
  "a\nb",
  "a\r",
  "a\0b",
  "a`id`",
  "$(id)",
  "a;id",
  "a|id",
  "a&b",
  "a\\b",
  "a*",
  "~root",
  "a\u2028b",
  "a\u202eb",
  "x".repeat(5000)
]

describe("SessionConfig", () => {
  it("takes what sessions are made from", () => {
    for (const changes of [
      {},
      { sessionId: "5f0c9a52-6a36-4c55-9a57-3c3a4cb0e7c4" },
      { sessionId: "-V1StGXR8_Z5jdHi6B-myT" },
      ...[
        "http://10.0.0.5:3000/group/repo",
        "ssh://git@example.org:2222/group/repo.git",
        "git@github.com:example/repo.git",
        "git://example.org/repo.git",
        "file:///srv/git/repo.git",
        "https://dev.azure.com/org/My%20Project/_git/repo",
        "https://[::1]:8443/repo.git"
      ].map((repoUrl) => ({ repoUrl })),
      ...["main", "feature/a-b_c.d", "v1.2.3", "fix/#12", "äöü", "a".repeat(40)].map((branch) => ({ branch })),
      { workspaceBasePath: "/home/agent/workspaces" },
      { opencodePort: 4097, healthPollIntervalMs: 1, healthPollTimeoutMs: 1000, shallow: true },
      { openCodePassword: 'it\'s "$1" `x` \\', credentials: { token: "ghp_x", username: "jo o'hara" } },
      { repoUrl: "http://127.0.0.1:3000/x", credentials: { token: "t" } },
      { repoUrl: "http://10.0.100.1:3000/x", credentials: { token: "t" } }
    ]) {
      assert.strictEqual(fault(changes), "none", JSON.stringify(changes))
    }
    const { vmIp: _, ...without } = good
    assert.isTrue(Result.isSuccess(SessionConfig.decode(without)))
  })

  it.each(["sessionId", "repoUrl", "branch", "vmId", "vmIp", "workspaceBasePath"])(
    "lets nothing into %s that a shell could take",
    (field) => {
      for (const text of hostile) assert.strictEqual(fault({ [field]: text }), field, JSON.stringify(text))
      for (const value of [1, null, {}, []]) assert.strictEqual(fault({ [field]: value }), field)
    }
  )

  it("refuses options in disguise, paths that climb and addresses that are none", () => {
    const wrong: ReadonlyArray<readonly [string, ReadonlyArray<unknown>]> = [
      ["sessionId", ["..", ".", "a/b", "../x", "x".repeat(57), "sess.ion"]],
      ["vmId", ["-x", "a/b", ".hidden"]],
      [
        "repoUrl",
        [
          "ext::sh -c id",
          "ext::sh",
          "fd::17",
          "--upload-pack=id",
          "-oProxyCommand=id",
          "ssh://-oProxyCommand=id/x",
          "-x@host:path",
          "git@-host:path",
          "git@host:-path",
          "https://user:secret@example.org/x",
          "https://token@example.org/x",
          "https://example.org",
          "https://example.org/",
          "https://example.org/a/../b",
          "https://example.org/a/%2e%2E/b",
          "file:///srv/../etc",
          "file://host/x y",
          "https://example.org:99999/x",
          "https://example.org/x?y",
          "https://example.org/x#y",
          "javascript:alert(1)",
          "/etc/passwd",
          "./x",
          "C:\\x"
        ]
      ],
      [
        "branch",
        [
          "--upload-pack=id",
          "-b",
          "a..b",
          "a@{1}",
          "a~1",
          "a^",
          "a:b",
          "@",
          "a.lock",
          "a/",
          "/a",
          "a//b",
          ".a",
          "a/.b",
          "a."
        ]
      ],
      [
        "vmIp",
        [
          "10.0.100",
          "10.0.100.256",
          "010.0.0.1",
          "0.0.0.0",
          "255.255.255.255",
          "224.0.0.1",
          "::1",
          "host",
          "10.0.100.20 ",
          "10.0.100.20\n"
        ]
      ],
      ["workspaceBasePath", ["relative", "/", "/a/../b", "/a/./b", "/a//b", "/a b", "/a\nb", "/a%b"]],
      ["opencodePort", [0, 65536, 1.5, "4096", -1]],
      ["healthPollIntervalMs", [0, -1, Number.NaN, Number.POSITIVE_INFINITY]]
    ]
    for (const [field, values] of wrong) {
      for (const value of values) assert.strictEqual(fault({ [field]: value }), field, JSON.stringify(value))
    }
    assert.strictEqual(fault({ openCodePassword: "a\nb" }), "openCodePassword")
    assert.strictEqual(fault({ credentials: { token: "a\nb" } }), "credentials.token")
    assert.strictEqual(fault({ credentials: { token: "a", username: "a:b" } }), "credentials.username")
    for (const repoUrl of ["http://example.org/x", "git@example.org:x", "git://example.org/x"]) {
      assert.strictEqual(fault({ repoUrl, credentials: { token: "t" } }), "repoUrl")
    }
    assert.strictEqual(fault({ sessionId: undefined }), "sessionId")
    for (const input of [null, undefined, 1, "x", []]) assert.isTrue(Result.isFailure(SessionConfig.decode(input)))
  })

  it("never says what was wrong in its own words", () => {
    for (const changes of [
      { repoUrl: "https://user:hunter2@example.org/x" },
      { openCodePassword: "hunter2\n" },
      { credentials: { token: "hunter2\n" } }
    ]) {
      const result = SessionConfig.decode({ ...good, ...changes })
      assert(Result.isFailure(result))
      assert.notInclude(`${result.failure.message} ${JSON.stringify(result.failure)}`, "hunter2")
    }
  })

  it("comes apart into what may be kept and what may not, and together again", () => {
    const config = Result.getOrThrow(
      SessionConfig.decode({ ...good, credentials: { token: "hunter2" }, openCodePassword: "hunter3" })
    )
    const { secrets, storable } = SessionConfig.split(config)
    assert.notInclude(JSON.stringify(Schema.encodeSync(SessionConfig.Storable)(storable)), "hunter")
    assert.deepStrictEqual(SessionConfig.join(storable, secrets), config)
    assert.notInclude(JSON.stringify(config), "hunter")
    assert(config.credentials !== undefined)
    assert.strictEqual(Redacted.value(config.credentials.token), "hunter2")
  })
})

const Piece = Schema.Literals([
  "a",
  "Z",
  "9",
  ".",
  "..",
  "/",
  "@",
  "@{",
  "#",
  "-",
  "_",
  ".lock",
  "~",
  "^",
  ":",
  " ",
  "+",
  "é"
])

describeWith(["git"], "A branch", () => {
  it.prop("that is taken is one that git allows", { pieces: Schema.Array(Piece) }, ({ pieces }) => {
    const branch = pieces.slice(0, 8).join("")
    if (fault({ branch }) !== "none") return
    ChildProcess.execFileSync("git", ["check-ref-format", "--allow-onelevel", branch])
    assert.isFalse(branch.startsWith("-"))
  })
})
