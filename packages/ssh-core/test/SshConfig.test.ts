import { NodePath, NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as PortForward from "@toehold/ssh-core/PortForward"
import * as SshConfig from "@toehold/ssh-core/SshConfig"
import type { SshError } from "@toehold/ssh-core/SshError"
import * as SshTarget from "@toehold/ssh-core/SshTarget"
import { ByteSize, Effect, FileSystem, Layer, Option, Path, PlatformError, Result, Schema } from "effect"

const target = (text: string) => Effect.fromResult(SshTarget.parse(text))

const uid = process.getuid?.()

/** A home of its own with files in it, and the platform that calls it home. */
const inHome = Effect.fnUntraced(function* (files: Readonly<Record<string, string>>) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const home = yield* fs.makeTempDirectoryScoped()
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(home, name)
    yield* fs.makeDirectory(path.dirname(file), { recursive: true })
    yield* fs.writeFileString(file, text.replaceAll("HOME", home), { mode: 0o600 })
  }
  const platform: Partial<ClientPlatform.Platform> = { homeDir: home, uid, env: { HOME: home } }
  return { home, platform }
}, Effect.orDie)

interface Setup {
  readonly machine?: string
  readonly platform?: Partial<ClientPlatform.Platform>
  readonly options?: SshConfig.ResolveOptions
}

const resolveIn = Effect.fnUntraced(function* (files: Readonly<Record<string, string>>, setup: Setup = {}) {
  const { home, platform } = yield* inHome(files)
  const machine = (setup.machine ?? "web").replaceAll("HOME", home)
  const resolved = yield* SshConfig.resolve(yield* target(machine), setup.options).pipe(
    Effect.provide(ClientPlatform.layerOf({ ...platform, ...setup.platform }))
  )
  return { home, resolved }
})

const config = (text: string, setup?: Setup) =>
  Effect.map(resolveIn({ ".ssh/config": text }, setup), ({ resolved }) => resolved)

const lines = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index)).join("\n")

const userOf = (value: string) => config(`User ${value}`, { platform: { env: { X: "y", BAD: "a;b" } } })

const refusal = <A, R>(effect: Effect.Effect<A, SshError, R>) =>
  Effect.flatMap(Effect.flip(effect), ({ reason }) =>
    reason._tag === "InvalidTarget" ? Effect.succeed(reason) : Effect.die(new Error(`refused as ${reason._tag}`))
  )

it.layer(NodeServices.layer)("resolve", (it) => {
  it.effect("fills in ssh's own defaults where nothing is configured", () =>
    Effect.gen(function* () {
      const { home, resolved } = yield* resolveIn({}, { platform: { userName: "someone" } })
      assert.deepStrictEqual(resolved.identityFiles, [
        `${home}/.ssh/id_rsa`,
        `${home}/.ssh/id_ecdsa`,
        `${home}/.ssh/id_ecdsa_sk`,
        `${home}/.ssh/id_ed25519`,
        `${home}/.ssh/id_ed25519_sk`
      ])
      assert.isTrue(resolved.identityFilesAreDefaults)
      assert.strictEqual(resolved.user, "someone")
      assert.strictEqual(resolved.port, 22)
      assert.deepStrictEqual(resolved.userKnownHostsFiles, [`${home}/.ssh/known_hosts`, `${home}/.ssh/known_hosts2`])
      assert.deepStrictEqual(resolved.globalKnownHostsFiles, ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"])
      assert.isUndefined(resolved.connectTimeoutSeconds)
      assert.isUndefined(resolved.strictHostKeyChecking)
      assert.isUndefined(resolved.identityAgent)
    })
  )

  it.effect("takes the command line first, then the file", () =>
    Effect.gen(function* () {
      const resolved = yield* config("Host web\n HostName web.example.com\n Port 1\n User a\n IdentityFile ~/file\n", {
        machine: "ssh -p 2 -i /cli -o ConnectTimeout=3 web"
      })
      assert.strictEqual(resolved.originalHost, "web")
      assert.strictEqual(resolved.hostName, "web.example.com")
      assert.strictEqual(resolved.port, 2)
      assert.strictEqual(resolved.user, "a")
      assert.strictEqual(resolved.connectTimeoutSeconds, 3)
      assert.strictEqual(resolved.identityFiles[0], "/cli")
      assert.match(resolved.identityFiles[1] ?? "", /\/file$/)
      assert.isFalse(resolved.identityFilesAreDefaults)
    })
  )

  it.effect("keeps every kind of setting", () =>
    Effect.gen(function* () {
      const resolved = yield* config(
        [
          "ProxyJump a,me@b:2222",
          "Ciphers -*-cbc,aes128-ctr",
          "KexAlgorithms +x",
          "MACs ^y",
          "HostKeyAlgorithms ssh-ed25519",
          "PubkeyAcceptedKeyTypes +ssh-rsa",
          "RequiredRSASize 3072",
          "PreferredAuthentications publickey,password",
          "PasswordAuthentication no",
          "LocalForward 8080 localhost:80",
          "IdentityAgent $MY_AGENT",
          "RequestTTY force"
        ].join("\n"),
        { platform: { env: { MY_AGENT: "/run/agent" } } }
      )
      assert.deepStrictEqual(resolved.proxyJump, ["a", "me@b:2222"])
      assert.deepStrictEqual(resolved.algorithms, {
        ciphers: { mode: "remove", names: ["*-cbc", "aes128-ctr"] },
        keyExchange: { mode: "append", names: ["x"] },
        macs: { mode: "prepend", names: ["y"] },
        hostKey: { mode: "replace", names: ["ssh-ed25519"] },
        publicKey: { mode: "append", names: ["ssh-rsa"] },
        requiredRsaBits: 3072
      })
      assert.deepStrictEqual(resolved.authentication, {
        publicKey: true,
        password: false,
        keyboardInteractive: true,
        preferred: ["publickey", "password"]
      })
      assert.deepStrictEqual(resolved.forwards, [Result.getOrThrow(PortForward.parse("local", "8080:localhost:80"))])
      assert.strictEqual(resolved.identityAgent, "/run/agent")
      assert.strictEqual(resolved.requestTty, "force")
    })
  )

  it.effect("understands the ways to name an agent", () =>
    Effect.gen(function* () {
      const env = { SSH_AUTH_SOCK: "/run/default" }
      const agent = (value: string) =>
        Effect.map(config(`IdentityAgent ${value}`, { platform: { env } }), (resolved) => resolved.identityAgent)
      assert.strictEqual(yield* agent("none"), "none")
      assert.strictEqual(yield* agent("SSH_AUTH_SOCK"), "/run/default")
      assert.strictEqual(yield* agent("$SSH_AUTH_SOCK"), "/run/default")
      assert.strictEqual(yield* agent("${SSH_AUTH_SOCK}.2"), "/run/default.2")
      assert.strictEqual(yield* agent("$UNSET"), "none")
      assert.strictEqual((yield* refusal(agent("$1"))).word, "IdentityAgent")
    })
  )

  it.effect("expands tokens in the user, as newer releases do, unless it was named on the command line", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* userOf("%u-${X}-%h")).user, "me-y-web")
      assert.strictEqual((yield* refusal(userOf("%r"))).word, "User")
      assert.strictEqual((yield* refusal(userOf("${BAD}"))).word, "User")
      assert.strictEqual((yield* config("", { machine: "ssh -l 100%u web" })).user, "100%u")
    })
  )

  it.effect("finds included files beside the user's configuration, in order, inside blocks too", () =>
    Effect.gen(function* () {
      const files = {
        ".ssh/config": "Include conf.d/*.conf\nHost other\n Include other.conf\nHost web\n Include HOME/web\n Port 9\n",
        ".ssh/conf.d/20.conf": "User second\nPort 20",
        ".ssh/conf.d/10.conf": "Host web\nUser first\nHost other\nPort 10",
        ".ssh/conf.d/.hidden.conf": "User hidden",
        ".ssh/other.conf": "Port 30\nHost web\nPort 31\nMatch all\nPort 32",
        web: "Port 8\nHost nothing"
      }
      const { resolved } = yield* resolveIn({ ...files, ".ssh/conf.d/20.conf": "User second" })
      assert.strictEqual(resolved.user, "first")
      assert.strictEqual(resolved.port, 8)
      assert.strictEqual((yield* resolveIn(files)).resolved.port, 20)
    })
  )

  it.effect("says in which file and line something is wrong, in blocks that do not apply too", () =>
    Effect.gen(function* () {
      const { home, platform } = yield* inHome({
        ".ssh/config": "Host other\n  Include bad\n",
        ".ssh/bad": "\n\nPort x\n"
      })
      const reason = yield* refusal(SshConfig.resolve(yield* target("web"))).pipe(
        Effect.provide(ClientPlatform.layerOf(platform))
      )
      assert.strictEqual(reason.location, `${home}/.ssh/bad:3`)
      assert.strictEqual(reason.word, "port")
    })
  )

  it.effect("stops where files include each other for ever, or too many times", () =>
    Effect.gen(function* () {
      assert.include((yield* refusal(config("Include config"))).detail, "16 levels")
      const files = Object.fromEntries(
        Array.from({ length: 15 }, (_, level) => [`.ssh/l${level}`, `Include l${level + 1}\n`.repeat(3)])
      )
      const twice = resolveIn({ ...files, ".ssh/config": "Include l0", ".ssh/l15": "" })
      assert.include((yield* refusal(twice)).detail, "configuration files")
    })
  )

  it.effect("refuses what is too large, no text, or no file", () =>
    Effect.gen(function* () {
      assert.include((yield* refusal(config("#".repeat(1024 * 1024 + 1)))).detail, "larger")
      assert.include((yield* refusal(config("User a\nUser \u0000"))).detail, "NUL")
      assert.include((yield* refusal(config("\ufeffUser a"))).detail, "byte order mark")
      assert.include((yield* refusal(resolveIn({}, { machine: "ssh -F /dev/zero web" }))).detail, "no regular file")
    })
  )

  it.effect("reads the file of -F alone, which has to be there", () =>
    Effect.gen(function* () {
      const files = { ".ssh/config": "Port 1", mine: "User f" }
      const { resolved } = yield* resolveIn(files, { machine: "ssh -F ~/mine web" })
      assert.deepStrictEqual([resolved.port, resolved.user, resolved.configFile], [22, "f", "~/mine"])
      assert.strictEqual((yield* resolveIn(files, { machine: "ssh -F none web" })).resolved.port, 22)
      const missing = yield* Effect.flip(resolveIn(files, { machine: "ssh -F ~/missing web" }))
      assert.strictEqual(missing.reason._tag, "NotFound")
    })
  )

  it.effect("runs commands of Match exec only where that is allowed, and only if need be", () =>
    Effect.gen(function* () {
      const text = 'Match host other exec "never"\n Port 1\nMatch host web exec "test %h:%p %r"\n Port 7\n'
      const reason = yield* refusal(config(text))
      assert.strictEqual(reason.word, "match")
      assert.match(reason.location ?? "", /config:3$/)
      const commands: Array<string> = []
      const allowExec = (command: string) =>
        Effect.sync(() => {
          commands.push(command)
          return true
        })
      const resolved = yield* config(text, { options: { allowExec } })
      assert.strictEqual(resolved.port, 7)
      assert.deepStrictEqual(commands, ["test web:22 me"])
      assert.strictEqual((yield* config(text, { options: { allowExec: () => Effect.succeed(false) } })).port, 22)
    })
  )

  it.effect.each([
    ["Match tagged x", "match", "not supported"],
    ["Match", "Match", "no value"],
    ["Match host", "match", "no value"],
    ["Match user a host b all", "match", "combined"],
    ["Bogus yes", "bogus", "no such keyword"],
    ["Port 1 2", "port", "left over"],
    ['User "a', "User", "not closed"],
    ["Host ''", "host", "empty"],
    ["Include ''", "include", "empty"],
    ["Include ~other/x", "include", "another user's home"],
    ["IdentityFile ~other/x", "IdentityFile", "another user's home"],
    ["IdentityFile %z", "IdentityFile", "%z"],
    ["IdentityFile ${UNSET}", "IdentityFile", "not set"],
    ["UserKnownHostsFile ${X", "UserKnownHostsFile", "not closed"],
    ["HostName %n", "HostName", "%n"],
    ["HostName -x", "-x", "dash"],
    ["HostName 'a b'", "a b", "blanks"],
    [`ConnectTimeout ${"1".repeat(60)}x`, "connecttimeout", "no time"],
    ["ConnectTimeout h", "connecttimeout", "no time"],
    ["Include /" + "a/".repeat(3000), "include", "too long"],
    ["ProxyJump a;b", "proxyjump", "shell characters"],
    ["ProxyJump web", "web", "its own jump host"],
    ["LocalForward /s ${UNSET}/x", "forwarding", "not set"],
    ["ProxyCommand nc %h %p", "proxycommand", "through a command"],
    ["ProxyUseFdpass yes", "proxyusefdpass", "through a command"],
    ["CertificateFile x", "certificatefile", "certificates"],
    ["PKCS11Provider x", "pkcs11provider", "token"],
    ["SmartcardDevice x", "smartcarddevice", "smart card"],
    ["KnownHostsCommand x", "knownhostscommand", "host keys"],
    ["RevokedHostKeys x", "revokedhostkeys", "revoked"],
    ["BindAddress 1.2.3.4", "bindaddress", "local address"],
    ["BindInterface eth0", "bindinterface", "interface"],
    ["CanonicalizeHostname yes", "canonicalizehostname", "canonicalized"],
    ["CanonicalizePermittedCNAMEs *", "canonicalizepermittedcnames", "canonicalized"],
    ["RemoteCommand x", "remotecommand", "command of its own"],
    ["SessionType subsystem", "sessiontype", "subsystems"],
    ["RefuseConnection no", "refuseconnection", "refuses connections"]
  ] as const)("refuses %s", ([line, word, detail]) =>
    Effect.gen(function* () {
      const reason = yield* refusal(config(`\n${line}\n`))
      assert.strictEqual(reason.word, word)
      assert.include(reason.detail, detail)
    })
  )

  it.effect.each([
    "Host other\n ProxyCommand x",
    "ProxyCommand none\nHost web\n ProxyCommand x",
    "ProxyJump hop\nProxyCommand x",
    "RemoteCommand none\nRemoteCommand x",
    "CanonicalizeHostname no",
    "SessionType default\nSessionType subsystem",
    "ForwardAgent yes\nSendEnv LANG\nSetEnv A=b\nForwardX11 yes\nTunnel yes\nPermitLocalCommand yes\nGatewayPorts yes",
    "ControlMaster auto\nControlPath ~/x\nHashKnownHosts yes\nGSSAPIAuthentication yes\nLogLevel DEBUG\nTag x",
    "IgnoreUnknown Foo*,UseKeychain\nFooBar 1\nUseKeychain yes"
  ])("lets be what does not apply or does not matter: %j", (text) => config(text))

  it.effect("names the place of what it refuses", () =>
    Effect.gen(function* () {
      const reason = yield* refusal(config("Host *\n\n  ProxyCommand x"))
      assert.match(reason.location ?? "", /\/\.ssh\/config:3$/)
      assert.include(reason.hint ?? "", "ProxyJump")
    })
  )

  it.effect("refuses more keys and forwardings than anyone has", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* config(lines(100, (at) => `IdentityFile /k/${at}`))).identityFiles.length, 100)
      assert.strictEqual((yield* refusal(config(lines(101, (at) => `IdentityFile /k/${at}`)))).word, "IdentityFile")
      assert.strictEqual((yield* refusal(config(lines(1001, (at) => `DynamicForward ${at + 1}`)))).word, "forwarding")
    })
  )

  it.effect("knows Apple's keyword on macOS", () => config("UseKeychain yes", { platform: { os: "darwin" } }))

  it.effect.prop(
    "ends with a value or a typed error for arbitrary bytes",
    { bytes: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))), text: Schema.String },
    ({ bytes, text }) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const { home, platform } = yield* inHome({})
        yield* fs.writeFile(`${home}/bytes`, Uint8Array.from(bytes), { mode: 0o600 })
        yield* fs.writeFileString(`${home}/text`, `Host ${text}\nUser ${text}\nMatch ${text}\nInclude ${text}`, {
          mode: 0o600
        })
        for (const name of ["bytes", "text"]) {
          yield* Effect.result(SshConfig.resolve(yield* target(`ssh -F ${home}/${name} web`)))
        }
        return platform.homeDir === home
      }).pipe(Effect.scoped, Effect.provide(ClientPlatform.layerOf({ uid }))),
    { arbitrary: { runs: 150 } }
  )

  it.effect("answers long and hostile lines in time", () =>
    Effect.gen(function* () {
      const size = 100_000
      for (const keyword of [
        "Host ",
        "Match user ",
        "Include ",
        "IdentityFile ",
        "ProxyJump ",
        "LocalForward 1 ",
        "Ciphers ",
        "ConnectTimeout "
      ]) {
        for (const part of [
          "*",
          "*a",
          "/a",
          "/*",
          "%h",
          "1 a:1\n" + keyword,
          "'",
          "\\",
          "%",
          "${",
          "[",
          ",",
          "1",
          "!",
          "="
        ]) {
          yield* Effect.result(config(keyword + part.repeat(size / part.length)))
        }
      }
    })
  )
})

const notFound = (path: string) =>
  PlatformError.systemError({ _tag: "NotFound", module: "FileSystem", method: "stat", pathOrDescriptor: path })

/** Files by their paths, so that owners and Windows paths can be made up. */
const madeUpFiles = (
  files: Readonly<Record<string, string>>,
  { gid, mode, uid }: { readonly uid?: number; readonly gid?: number; readonly mode: number }
) => {
  const names = Object.keys(files)
  const find = (path: string) => Effect.fromNullishOr(files[path]).pipe(Effect.mapError(() => notFound(path)))
  const info = {
    type: "File" as const,
    mode,
    uid: Option.fromNullishOr(uid),
    gid: Option.fromNullishOr(gid),
    dev: 0n,
    mtime: Option.none(),
    atime: Option.none(),
    birthtime: Option.none(),
    ino: Option.none(),
    nlink: Option.none(),
    rdev: Option.none(),
    blksize: Option.none(),
    blocks: Option.none()
  }
  return FileSystem.layerNoop({
    stat: (path) => Effect.map(find(path), (text) => ({ ...info, size: ByteSize.fromInputUnsafe(text.length) })),
    readFile: (path) => Effect.map(find(path), (text) => new TextEncoder().encode(text)),
    readFileString: find,
    exists: (path) => Effect.succeed(names.includes(path)),
    readDirectory: (folder) =>
      Effect.succeed(
        names.filter((name) => name.startsWith(`${folder}\\`)).map((name) => name.slice(folder.length + 1))
      )
  })
}

describe("permissions of configuration files", () => {
  const passwd = "root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\nother:x:1001:100::/:/bin/sh\n"
  const group = "root:x:0:\nme:x:1000:\nstaff:x:50:me,other\nmine:x:51:me\nusers:x:100:me\nempty:x:52:\n"

  const attempt = (info: { readonly uid: number; readonly gid: number; readonly mode: number }, clientUid?: number) =>
    SshConfig.resolve(Result.getOrThrow(SshTarget.parse("web"))).pipe(
      Effect.provide(
        Layer.mergeAll(
          NodePath.layerPosix,
          ClientPlatform.layerOf({ uid: clientUid }),
          madeUpFiles({ "/home/me/.ssh/config": "Port 7", "/etc/passwd": passwd, "/etc/group": group }, info)
        )
      )
    )

  it.effect.each([
    { uid: 1000, gid: 100, mode: 0o644 },
    { uid: 0, gid: 0, mode: 0o644 },
    // A group of the user's own, as Debian makes them.
    { uid: 1000, gid: 1000, mode: 0o664 },
    { uid: 1000, gid: 51, mode: 0o664 }
  ])("accepts %o", (info) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* attempt(info, 1000)).port, 7)
    })
  )

  it.effect.each([
    { uid: 1001, gid: 1000, mode: 0o600 },
    { uid: 1000, gid: 1000, mode: 0o646 },
    { uid: 1000, gid: 50, mode: 0o664 },
    { uid: 1000, gid: 100, mode: 0o664 },
    { uid: 1000, gid: 52, mode: 0o664 },
    { uid: 1000, gid: 99, mode: 0o664 }
  ])("refuses %o", (info) =>
    Effect.gen(function* () {
      assert.include((yield* refusal(attempt(info, 1000))).detail, "bad owner or permissions")
    })
  )

  it.effect("checks nothing where there are no numeric owners", () => attempt({ uid: 1, gid: 1, mode: 0o666 }))
})

describe("resolve on Windows", () => {
  it.effect("reads the files of the profile and of ProgramData, and gives Windows paths", () =>
    Effect.gen(function* () {
      const resolved = yield* SshConfig.resolve(
        Result.getOrThrow(SshTarget.parse("ssh -i C:\\keys\\cli web", { platform: { os: "win32" } }))
      )
      assert.strictEqual(resolved.hostName, "web.example.com")
      assert.strictEqual(resolved.user, "included")
      assert.strictEqual(resolved.port, 2222)
      assert.deepStrictEqual(resolved.identityFiles, [
        "C:\\keys\\cli",
        "C:\\Users\\me\\.ssh\\id web",
        "C:\\Users\\me\\keys\\k",
        "D:\\k"
      ])
      assert.strictEqual(resolved.identityAgent, "\\\\.\\pipe\\openssh-ssh-agent")
      assert.deepStrictEqual(resolved.userKnownHostsFiles, [
        "C:\\Users\\me\\.ssh\\known_hosts",
        "C:\\Users\\me\\.ssh\\known_hosts2"
      ])
      assert.deepStrictEqual(resolved.globalKnownHostsFiles, [
        "E:\\Data\\ssh\\ssh_known_hosts",
        "E:\\Data\\ssh\\ssh_known_hosts2"
      ])
    }).pipe(
      Effect.provide(
        Layer.mergeAll(
          NodePath.layerWin32,
          ClientPlatform.layerOf({ os: "win32", env: { PROGRAMDATA: "E:\\Data" } }),
          madeUpFiles(
            {
              "C:\\Users\\me\\.ssh\\config":
                'Include conf.d/*.conf\r\nHost web\r\n  HostName web.example.com\r\n  IdentityFile "~/.ssh/id %n"\r\n' +
                "  IdentityFile ~\\keys\\k\r\n  IdentityFile D:\\k\r\n  IdentityAgent \\\\\\\\.\\pipe\\openssh-ssh-agent\r\n",
              "C:\\Users\\me\\.ssh\\conf.d\\a.conf": "User included\r\n",
              "E:\\Data\\ssh\\ssh_config": "Port 2222\r\nUser system\r\n"
            },
            { mode: 0o666 }
          )
        )
      )
    )
  )
})
