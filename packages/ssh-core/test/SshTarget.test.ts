import { assert, describe, it } from "@effect/vitest"
import * as PortForward from "@toehold/ssh-core/PortForward"
import type { InvalidTarget, SshError } from "@toehold/ssh-core/SshError"
import * as SshTarget from "@toehold/ssh-core/SshTarget"
import { Arbitrary, Result, Schema } from "effect"

const windows = { platform: { os: "win32" } }

const parsed = (text: string, options?: SshTarget.ParseOptions): SshTarget.SshTarget =>
  Result.getOrThrow(SshTarget.parse(text, options))

const refusalOf = (result: Result.Result<unknown, SshError>): InvalidTarget => {
  assert.isTrue(Result.isFailure(result))
  if (Result.isFailure(result) && result.failure.reason._tag === "InvalidTarget") return result.failure.reason
  throw new Error("not refused as an invalid target")
}

const forward = (kind: PortForward.Kind, spec: string) => Result.getOrThrow(PortForward.parse(kind, spec))

const nothing = { identityFiles: [], forwards: [], noCommand: false, options: [] }

describe("parse", () => {
  it.each<readonly [string, Partial<SshTarget.SshTarget>]>([
    ["web", { host: "web" }],
    ["  web\n", { host: "web" }],
    ["root@host", { host: "host", user: "root" }],
    ["root@host:2222", { host: "host", user: "root", port: 2222 }],
    ["host:22", { host: "host", port: 22 }],
    ["a@b@host", { host: "host", user: "a@b" }],
    ["ssh root@ssh5.vast.ai -p 12345", { host: "ssh5.vast.ai", user: "root", port: 12345 }],
    [
      "ssh -p 12345 root@ssh5.vast.ai -L 8080:localhost:8080",
      { host: "ssh5.vast.ai", user: "root", port: 12345, forwards: [forward("local", "8080:localhost:8080")] }
    ],
    [
      "ssh -i ~/.ssh/vastai_key -v -p 12345 root@host",
      { host: "host", user: "root", port: 12345, identityFiles: ["~/.ssh/vastai_key"] }
    ],
    ["/usr/bin/ssh host", { host: "host" }],
    ["-p 22 host", { host: "host", port: 22 }],
    ["ssh://user@host:2200", { host: "host", user: "user", port: 2200 }],
    ["SSH://host/", { host: "host" }],
    ["ssh://a%40b@host", { host: "host", user: "a@b" }],
    ["ssh://[::1]:22", { host: "::1", port: 22 }],
    ["ssh://me@[fe80::1%25eth0]", { host: "fe80::1%eth0", user: "me" }],
    ["user@[fe80::1%eth0]:22", { host: "fe80::1%eth0", user: "user", port: 22 }],
    ["[::1]", { host: "::1" }],
    ["::1", { host: "::1" }],
    ["root@2001:db8::22", { host: "2001:db8::22", user: "root" }],
    ["fe80::1%eth0", { host: "fe80::1%eth0" }],
    ["ssh -vNp 22 host", { host: "host", port: 22, noCommand: true }],
    ["ssh -vNp22 host", { host: "host", port: 22, noCommand: true }],
    ["ssh -oPort=22 host", { host: "host", port: 22 }],
    ["ssh -o 'Port 22' host", { host: "host", port: 22 }],
    ['ssh -o "port = 22" host', { host: "host", port: 22 }],
    ["ssh -p 22 -o Port=22 host:22", { host: "host", port: 22 }],
    ["ssh -l me host", { host: "host", user: "me" }],
    ["ssh -l 'a b' host", { host: "host", user: "a b" }],
    ["ssh -l a:b host", { host: "host", user: "a:b" }],
    ["ssh -J a,me@b:2222 host", { host: "host", proxyJump: ["a", "me@b:2222"] }],
    ["ssh -J none host", { host: "host", proxyJump: [] }],
    ["ssh -o ProxyJump=ssh://me@b:2222 host", { host: "host", proxyJump: ["me@b:2222"] }],
    ["ssh -F ~/other host", { host: "host", configFile: "~/other" }],
    [
      "ssh -R 9:[::1]:80 -D 1080 -N host",
      { host: "host", noCommand: true, forwards: [forward("remote", "9:[::1]:80"), forward("dynamic", "1080")] }
    ],
    ["ssh -o LocalForward='1 a:2' host", { host: "host", forwards: [forward("local", "1:a:2")] }],
    ["ssh -o SessionType=none host", { host: "host", noCommand: true }],
    ["ssh -i a -i 'b c' -o IdentityFile=d host", { host: "host", identityFiles: ["a", "b c", "d"] }],
    ["ssh -i a\\ b host", { host: "host", identityFiles: ["a b"] }],
    ["ssh -i C:\\\\k host", { host: "host", identityFiles: ["C:\\k"] }],
    ["ssh \\\n  -p 22 \\\r\n  host", { host: "host", port: 22 }],
    ["ssh -C -4 host", { host: "host", options: [option("compression", "yes"), option("addressfamily", "inet")] }],
    ["ssh -4 -6 host", { host: "host", options: [option("addressfamily", "inet6")] }],
    ["ssh -tt host", { host: "host", options: [option("requesttty", "force")] }],
    ["ssh -t -T host", { host: "host", options: [option("requesttty", "no")] }],
    [
      "ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null host",
      { host: "host", options: [option("stricthostkeychecking", "no"), option("userknownhostsfile", "/dev/null")] }
    ],
    [
      "ssh -c aes128-ctr -m +hmac-sha1 host",
      { host: "host", options: [option("ciphers", "aes128-ctr"), option("macs", "+hmac-sha1")] }
    ],
    ["ssh -2akxfnqvvvyM -E log -e none -S none host", { host: "host" }],
    ["ssh -o IgnoreUnknown=Foo* -o FooBar=1 host", { host: "host", options: [option("ignoreunknown", "Foo*")] }],
    [
      "ssh -o ForwardAgent=no -o ProxyCommand=none host",
      { host: "host", options: [option("forwardagent", "no"), option("proxycommand", "none")] }
    ],
    ["ssh -- host", { host: "host" }],
    ["ssh ssh", { host: "ssh" }]
  ])("understands %s", (text, expected) => {
    assert.deepStrictEqual({ ...parsed(text) }, { ...nothing, ...expected } as SshTarget.SshTarget)
  })

  it("takes a backslash for a part of a path on Windows", () => {
    const target = parsed('ssh.exe -i C:\\Users\\me\\key -i "C:\\Program Files\\k" me@host', windows)
    assert.deepStrictEqual(target.identityFiles, ["C:\\Users\\me\\key", "C:\\Program Files\\k"])
    assert.strictEqual(parsed("C:\\Windows\\System32\\OpenSSH\\ssh.exe host", windows).host, "host")
  })

  it("refuses variables of PowerShell, and takes other dollar signs as they are", () => {
    for (const path of ["$env:USERPROFILE\\k", '"${HOME}\\k"', "$HOME\\k"]) {
      assert.strictEqual(refusalOf(SshTarget.parse(`ssh -i ${path} host`, windows)).word, "$")
    }
    assert.deepStrictEqual(parsed("ssh -i \\\\nas\\c$\\k host", windows).identityFiles, ["\\\\nas\\c$\\k"])
  })

  it("knows UseKeychain on macOS only", () => {
    assert.strictEqual(parsed("ssh -o UseKeychain=yes host", { platform: { os: "darwin" } }).host, "host")
    assert.strictEqual(refusalOf(SshTarget.parse("ssh -o UseKeychain=yes host")).word, "UseKeychain")
  })

  it.each([
    ["", "", "host is missing"],
    ["ssh", "", "host is missing"],
    ["ssh -p 22", "", "host is missing"],
    ["-- -host", "-host", "begin with a dash"],
    ["root@-oProxyCommand=x", "root@-oProxyCommand=x", "begin with a dash"],
    ["ssh '-l' -x host", "-x", "user name can't begin with a dash"],
    ["ho'\u200a'st", "ho\u200ast", "blanks"],
    ["'ho st'", "ho st", "blanks"],
    ["'ho;st'", "ho;st", "shell characters"],
    ["'a`b@host'", "a`b@host", "shell characters"],
    ["ssh -l 'a;b' host", "a;b", "shell characters"],
    ["host\u0000", "host?", "control characters"],
    ["ho\u001bst", "ho?st", "control characters"],
    ["host; rm -rf /", ";", "a shell would"],
    ["host | cat", "|", "a shell would"],
    ["ssh -i $HOME/k host", "$", "a shell would"],
    ['ssh -i "$HOME/k" host', "$", "a shell would"],
    ["ssh 'host", "'host", "quote is not closed"],
    ["ssh host\\", "\\", "nothing follows"],
    ["ssh host\nssh other", "ssh other", "second line"],
    ["host:0", "host:0", "no port"],
    ["host:65536", "host:65536", "no port"],
    ["host:", "host:", "no port"],
    ["host:abc", "host:abc", "no port"],
    ["@host", "@host", "user name is empty"],
    ["root@", "root@", "host is missing"],
    ["[::1", "[::1", "bracket"],
    ["[::1]x", "[::1]x", "only :port"],
    ["[zz::1]", "[zz::1]", "no IPv6 address"],
    ["1:2:3", "1:2:3", "no port"],
    ["ssh -p 70000 host", "70000", "port between 1 and 65535"],
    ["ssh -p 1 -p 2 host", "2", "given twice"],
    ["ssh -p 1 host:2", "2", "given twice"],
    ["ssh -l a b@host", "b", "given twice"],
    ["ssh -J a -J b host", "b", "given twice"],
    ["ssh -F a -F b host", "b", "given twice"],
    ["ssh -J a,,b host", "a,,b", "jump host"],
    ["ssh -i '' host", "", "file name is empty"],
    ["ssh -p", "-p", "no value"],
    ["ssh -vp", "-p", "no value"],
    ["ssh -Z host", "-Z", "no such flag"],
    ["ssh --port 22 host", "--port", "no such flag"],
    ["ssh host ls", "ls", "a command can't follow"],
    ["ssh host -- ls", "ls", "a command can't follow"],
    ["ssh -L 80 host", "80", "not a forwarding"],
    ["ssh -D a:b:c host", "a:b:c", "not a forwarding"],
    ["ssh -W a:1 host", "-W", "not supported"],
    ["ssh -A host", "-A", "not forwarded"],
    ["ssh -X host", "-X", "not forwarded"],
    ["ssh -Y host", "-Y", "not forwarded"],
    ["ssh -1 host", "-1", "not supported"],
    ["ssh -B eth0 host", "-B", "not supported"],
    ["ssh -b 1.2.3.4 host", "-b", "not supported"],
    ["ssh -G host", "-G", "instead of connecting"],
    ["ssh -g host", "-g", "loopback"],
    ["ssh -I lib host", "-I", "not supported"],
    ["ssh -K host", "-K", "not supported"],
    ["ssh -O exit host", "-O", "no shared connection"],
    ["ssh -P 22 host", "-P", "not supported"],
    ["ssh -Q key", "-Q", "instead of connecting"],
    ["ssh -s host sftp", "-s", "not supported"],
    ["ssh -V", "-V", "instead of connecting"],
    ["ssh -w 0:0 host", "-w", "not supported"],
    ["ssh -o Bogus=1 host", "Bogus", "no such option"],
    ["ssh -o Port host", "Port", "no value"],
    ["ssh -o Port=0 host", "Port", "no port"],
    ["ssh -o 'Port=\"2' host", "Port", "not closed"],
    ["ssh -o Host=a host", "Host", "configuration file only"],
    ["ssh -o Match=all host", "Match", "configuration file only"],
    ["ssh -o Include=a host", "Include", "configuration file only"],
    ["ssh -o ProxyCommand='nc %h %p' host", "ProxyCommand", "not supported"],
    ["ssh -o CertificateFile=a host", "CertificateFile", "not supported"],
    ["ssh -o RemoteCommand=ls host", "RemoteCommand", "command of its own"],
    ["ssh -o SessionType=subsystem host", "SessionType", "not supported"],
    ["ssh -o ForwardAgent=yes host", "ForwardAgent", "not forwarded"],
    ["ssh -o SendEnv=LANG host", "SendEnv", "not taken"],
    ["ssh -o SetEnv=A=b host", "SetEnv", "per command"],
    ["ssh –p 22 host", "–p", "typographic dash"],
    ["“ssh” host", "“ssh”", "typographic quotes"],
    ["ssh ro\u200bot@host", "ro\u200bot@host", "invisible"],
    ["http://host", "http://host", "only ssh://"],
    ["ssh://host/path", "ssh://host/path", "a path"],
    ["'ssh://a;fingerprint=x@host'", "ssh://a;fingerprint=x@host", "connection parameters"],
    ["ssh://a%zz@host", "ssh://a%zz@host", "not well encoded"],
    ["ssh://%00@host", "ssh://%00@host", "control characters"],
    ["ssh://a/b@host", "ssh://a/b@host", "password"]
  ])("refuses %j", (text, word, detail) => {
    const refusal = refusalOf(SshTarget.parse(text))
    assert.strictEqual(refusal.word, word)
    assert.include(refusal.detail, detail)
  })

  it("refuses and cuts a host that is too long", () => {
    const refusal = refusalOf(SshTarget.parse("a".repeat(2000)))
    assert.strictEqual(refusal.word, `${"a".repeat(100)}…`)
  })

  it.each([
    "ssh://user:hunter2@host",
    "ssh://user:hunter2@host:22/",
    "ssh://user:hun/ter2@host",
    "ssh://user:p@hunter2@host",
    "user:hunter2@host",
    "ssh user:hunter2@host -p 22",
    "ssh -J user:hunter2@hop host",
    "ssh -o ProxyJump=ssh://user:hunter2@hop host",
    "ssh host user:hunter2@other",
    "ssh 'user:hunter2@host"
  ])("never repeats a password: %s", (text) => {
    const refusal = refusalOf(SshTarget.parse(text))
    assert.notInclude(JSON.stringify(refusal) + refusal.message + refusal.fix, "hunter2")
    assert.notInclude(JSON.stringify(refusal) + refusal.message, "ter2")
  })
})

describe("parseWords", () => {
  it("takes every word as it is", () => {
    const target = Result.getOrThrow(SshTarget.parseWords(["ssh", "-i", "/a b/$k'", "me@host"]))
    assert.deepStrictEqual(target.identityFiles, ["/a b/$k'"])
  })

  it("refuses control characters in every part", () => {
    for (const words of [
      ["a\u0000b"],
      ["-i", "a\nb", "h"],
      ["-l", "a\u0007", "h"],
      ["-F", "\u0000", "h"],
      ["-o", "User=a\u0000", "h"]
    ]) {
      refusalOf(SshTarget.parseWords(words))
    }
  })
})

describe("withOptions", () => {
  const target = parsed("ssh -i a -o Compression=yes root@host")

  it("puts the flags first, where the first value counts", () => {
    const merged = Result.getOrThrow(
      SshTarget.withOptions(target, {
        identityFiles: ["b", "a"],
        port: 2222,
        proxyJump: "hop",
        configFile: "none",
        options: ["Compression=no", "ConnectTimeout 5"]
      })
    )
    assert.strictEqual(
      SshTarget.format(merged),
      "ssh -F none -i b -i a -J hop -o compression=no -o connecttimeout=5 -o compression=yes root@host:2222"
    )
  })

  it("refuses what contradicts the target, and what the flags of ssh would refuse", () => {
    assert.include(refusalOf(SshTarget.withOptions(target, { user: "me" })).detail, "given twice")
    assert.strictEqual(refusalOf(SshTarget.withOptions(target, { port: 0 })).word, "0")
    assert.strictEqual(refusalOf(SshTarget.withOptions(target, { options: ["ProxyCommand=x"] })).word, "ProxyCommand")
  })

  it("changes nothing without flags", () => {
    assert.deepStrictEqual(Result.getOrThrow(SshTarget.withOptions(target, {})), target)
  })
})

function option(keyword: string, value: string) {
  return { keyword, value }
}

const pick = (...values: ReadonlyArray<string>) => Arbitrary.schema(Schema.Literals(values))

const pickRow = (...rows: ReadonlyArray<ReadonlyArray<string>>) => pick(...rows.flat())

/** Flags with their values, behind a tab. */
const flag = pickRow(
  [
    "-v",
    "-N",
    "-t",
    "-tt",
    "-T",
    "-4",
    "-C",
    "-p22",
    "-p\t22",
    "-vNp\t22",
    "-l\tme",
    "-l\ta b",
    "-la@b",
    "-F\tC:\\f\\"
  ],
  [
    "-i\t~/.ssh/k",
    "-i\tit's",
    '-i\tsay "x"',
    "-iC:\\k\\",
    "-i\t\\\\",
    "-i\t$HOME",
    "-i\t#",
    "-i\t ",
    "-i\t-x",
    "-J\ta,b@c:2"
  ],
  [
    "-J\tnone",
    "-L\t1:a:2",
    "-L/s:/t",
    "-R\t[::]:1:[::1]:2",
    "-R\t7",
    "-D\t*:9",
    "-L/a b:h:1",
    "-o\tUser a",
    "-oPort=22"
  ],
  [
    "-o\tCiphers=+x",
    "-o\tHostName=%h.x",
    '-o\tUserKnownHostsFile="a b" c',
    "-o\tIdentityFile=none",
    "-oSetEnv=",
    "-c\tx,y"
  ],
  ["-o\tIdentityAgent = $A", "-o\tProxyCommand=none", "-o\tRequestTTY no", "-W\tx:1", "-o\tIgnoreUnknown=x", "-o\tx y"]
)

const words = Arbitrary.map(
  Arbitrary.all([
    Arbitrary.array(flag, { maxLength: 4 }),
    pick(
      "host",
      "me@host",
      "host:22",
      "::1",
      "[::1]:22",
      "ssh://me@host",
      "a@b@host",
      "ssh",
      "h#",
      "~",
      "fe80::1%x",
      "-",
      "x/y"
    ),
    Arbitrary.array(flag, { maxLength: 2 })
  ]),
  ([before, host, after]) => ["ssh", ...[...before, host, ...after].flatMap((text) => text.split("\t"))]
)

describe("properties", () => {
  it.prop(
    "what can be parsed can be written and parsed again, on every platform",
    { words },
    ({ words }) => {
      const result = SshTarget.parseWords(words)
      if (Result.isFailure(result)) return
      const text = SshTarget.format(result.success)
      assert.deepStrictEqual(parsed(text), result.success)
      assert.deepStrictEqual(parsed(text, windows), result.success)
    },
    { arbitrary: { runs: 500 } }
  )

  it.prop(
    "arbitrary text gives a value or an InvalidTarget",
    { text: Schema.String, words: Schema.Array(Schema.String) },
    ({ text, words }) => {
      for (const result of [SshTarget.parse(text), SshTarget.parse(text, windows), SshTarget.parseWords(words)]) {
        if (Result.isFailure(result)) assert.strictEqual(result.failure.reason._tag, "InvalidTarget")
      }
    },
    { arbitrary: { runs: 300 } }
  )

  it("reads long and hostile text in linear time", () => {
    const size = 60_000
    for (const part of ["a", "\\", "'", '"', "[", ":", "@", "-v ", "${", "%", "-oPort=\t", "ssh://", ","]) {
      SshTarget.parse(part.repeat(size / part.length))
      SshTarget.parseWords(["-J", part.repeat(size / part.length), "-L", part.repeat(size / part.length)])
    }
  })
})
