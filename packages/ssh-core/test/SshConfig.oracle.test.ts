import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import * as RealPart from "@toehold/lab/RealPart"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import type * as PortForward from "@toehold/ssh-core/PortForward"
import * as SshConfig from "@toehold/ssh-core/SshConfig"
import * as SshTarget from "@toehold/ssh-core/SshTarget"
import { Arbitrary, Effect, Exit, FileSystem, Layer, Result, Schema } from "effect"
import { spawnSync } from "node:child_process"
import * as Os from "node:os"

const env = { PATH: process.env["PATH"], TOEHOLD_TEST: "from-env", HOME: Os.userInfo().homedir }

/** ssh takes home and name from the password database, so the platform does too. */
const platform: ClientPlatform.Platform = {
  os: process.platform,
  homeDir: Os.userInfo().homedir,
  userName: Os.userInfo().username,
  hostName: Os.hostname(),
  uid: process.getuid?.(),
  env
}

const TestLayer = Layer.merge(NodeServices.layer, ClientPlatform.layerOf(platform))

type Printed = ReadonlyMap<string, ReadonlyArray<string>>

const sshPrints = (words: ReadonlyArray<string>, cwd: string): Printed | string => {
  const { status, stderr, stdout } = spawnSync(RealPart.path("ssh"), ["-G", ...words], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8"
  })
  if (status !== 0) return stderr
  const printed = new Map<string, Array<string>>()
  for (const line of stdout.split("\n")) {
    const space = line.indexOf(" ")
    const key = line.slice(0, space)
    printed.set(key, [...(printed.get(key) ?? []), line.slice(space + 1)])
  }
  return printed
}

const keys = [
  "hostname",
  "user",
  "port",
  "identityfile",
  "identitiesonly",
  "identityagent",
  "proxyjump",
  "connecttimeout",
  "serveraliveinterval",
  "serveralivecountmax",
  "stricthostkeychecking",
  "userknownhostsfile",
  "globalknownhostsfile",
  "hostkeyalias",
  "compression",
  "addressfamily",
  "requesttty",
  "sessiontype",
  "localforward",
  "remoteforward",
  "dynamicforward",
  "pubkeyauthentication",
  "passwordauthentication",
  "kbdinteractiveauthentication",
  "preferredauthentications",
  "requiredrsasize"
] as const

type Comparable = Readonly<Record<(typeof keys)[number], ReadonlyArray<string>>>

/** ssh prints the names of keys as they were written; it expands them only when it connects. */
const expandKeyName = (name: string, printed: Printed): string => {
  const of = (key: string) => printed.get(key)?.[0] ?? ""
  const alias = printed.get("hostkeyalias")?.[0] ?? of("host")
  const tokens: Readonly<Record<string, string>> = {
    h: of("hostname"),
    n: of("host"),
    p: of("port"),
    r: of("user"),
    u: platform.userName,
    d: platform.homeDir,
    L: platform.hostName.split(".")[0] ?? "",
    l: platform.hostName,
    k: alias,
    i: `${platform.uid}`,
    "%": "%"
  }
  return name
    .replace(/^~\//, `${platform.homeDir}/`)
    .replace(/%(.)/g, (whole, letter: string) => tokens[letter] ?? whole)
    .replace("${TOEHOLD_TEST}", env.TOEHOLD_TEST)
}

const fromSsh = (printed: Printed): Comparable => {
  const all = Object.fromEntries(keys.map((key) => [key, printed.get(key) ?? []])) as Record<
    (typeof keys)[number],
    ReadonlyArray<string>
  > // every key is there by construction
  const files = all.identityfile.map((file) => expandKeyName(file, printed))
  return {
    ...all,
    identityfile: [...new Set(files.filter((file) => file !== "none" && !/id_(xmss|dsa)$/.test(file)))],
    connecttimeout: all.connecttimeout.map((value) => (value === "0" ? "none" : value)),
    // Without a command there is no terminal, whatever was asked for.
    requesttty: all.sessiontype[0] === "none" ? ["false"] : all.requesttty,
    // ssh also lists a forwarding between two sockets as a dynamic one.
    dynamicforward: all.dynamicforward.filter((value) => !value.startsWith("/")),
    remoteforward: all.remoteforward.map((value) => value.replace(" [socks]:0", "")),
    userknownhostsfile: all.userknownhostsfile.map((value) => (value === "none" ? "" : value)),
    globalknownhostsfile: all.globalknownhostsfile.map((value) => (value === "none" ? "" : value)),
    proxyjump: all.proxyjump.map((value) => value.replaceAll("ssh://", "")),
    pubkeyauthentication: all.pubkeyauthentication.map((value) => (value === "false" ? "no" : "yes"))
  }
}

const endpoint = (end: PortForward.Endpoint): string =>
  "path" in end ? end.path : end.host === undefined ? `${end.port}` : `[${end.host}]:${end.port}`

const forwardsOf = (resolved: SshConfig.ResolvedTarget, kind: PortForward.Kind): ReadonlyArray<string> =>
  resolved.forwards
    .filter((forward) => forward.kind === kind)
    .map(({ connect, listen }) => [endpoint(listen), ...(connect === undefined ? [] : [endpoint(connect)])].join(" "))

const optional = (value: string | undefined): ReadonlyArray<string> => (value === undefined ? [] : [value])

const yesNo = (value: boolean): ReadonlyArray<string> => [value ? "yes" : "no"]

const fromOurs = (resolved: SshConfig.ResolvedTarget): Comparable => ({
  hostname: [resolved.hostName],
  user: [resolved.user],
  port: [`${resolved.port}`],
  identityfile: resolved.identityFiles,
  identitiesonly: yesNo(resolved.identitiesOnly),
  identityagent: optional(resolved.identityAgent),
  proxyjump: resolved.proxyJump.length === 0 ? [] : [resolved.proxyJump.join(",")],
  connecttimeout: [`${resolved.connectTimeoutSeconds ?? "none"}`],
  serveraliveinterval: [`${resolved.serverAliveIntervalSeconds ?? 0}`],
  serveralivecountmax: [`${resolved.serverAliveCountMax ?? 3}`],
  stricthostkeychecking: [
    { yes: "true", no: "false", ask: "ask", "accept-new": "accept-new" }[resolved.strictHostKeyChecking ?? "ask"]
  ],
  userknownhostsfile: [resolved.userKnownHostsFiles.join(" ")],
  globalknownhostsfile: [resolved.globalKnownHostsFiles.join(" ")],
  hostkeyalias: optional(resolved.hostKeyAlias),
  compression: yesNo(resolved.compression),
  addressfamily: [resolved.addressFamily],
  requesttty: resolved.noCommand
    ? ["false"]
    : [{ yes: "true", no: "false", force: "force", auto: "auto" }[resolved.requestTty ?? "auto"]],
  sessiontype: [resolved.noCommand ? "none" : "default"],
  localforward: forwardsOf(resolved, "local"),
  remoteforward: forwardsOf(resolved, "remote"),
  dynamicforward: forwardsOf(resolved, "dynamic"),
  pubkeyauthentication: yesNo(resolved.authentication.publicKey),
  passwordauthentication: yesNo(resolved.authentication.password),
  kbdinteractiveauthentication: yesNo(resolved.authentication.keyboardInteractive),
  preferredauthentications: optional(resolved.authentication.preferred?.join(",")),
  requiredrsasize: [`${resolved.algorithms.requiredRsaBits ?? 1024}`]
})

const allowExec = (command: string) =>
  Effect.sync(() => spawnSync("/bin/sh", ["-c", command], { env, stdio: "ignore" }).status === 0)

/** Asks both, and expects the same answer: the same values, or a refusal from both. */
const compare = Effect.fn(function* (words: ReadonlyArray<string>, cwd: string) {
  const printed = sshPrints(words, cwd)
  const target = SshTarget.parseWords(words)
  // ssh takes the first of two ports; that is refused here on purpose.
  if (Result.isFailure(target) && target.failure.message.includes("given twice")) return
  const ours = yield* Effect.exit(
    Effect.flatMap(Effect.fromResult(target), (parsed) => SshConfig.resolve(parsed, { allowExec }))
  )
  if (typeof printed === "string") {
    // The same hops twice are no contradiction here.
    if (printed.startsWith("Only a single -J")) return
    assert.isTrue(Exit.isFailure(ours), `ssh refuses: ${printed}`)
  } else {
    assert.isTrue(Exit.isSuccess(ours), `ssh accepts what is refused here: ${ours}`)
    if (Exit.isSuccess(ours)) assert.deepStrictEqual(fromOurs(ours.value), fromSsh(printed))
  }
})

const pick = (...values: ReadonlyArray<string>) => Arbitrary.schema(Schema.Literals(values))

const pickRow = (...rows: ReadonlyArray<ReadonlyArray<string>>) => pick(...rows.flat())

const oneOf = <A>(...choices: ReadonlyArray<Arbitrary.Arbitrary<A>>): Arbitrary.Arbitrary<A> =>
  Arbitrary.flatMap(
    Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: choices.length - 1 }))),
    (index) => choices[index] ?? Arbitrary.filter(choices[0] as Arbitrary.Arbitrary<A>, () => false) // in range above
  )

const joined = (...parts: ReadonlyArray<Arbitrary.Arbitrary<string>>) =>
  Arbitrary.map(Arbitrary.all(parts), (texts) => texts.join(""))

const separator = pick(" ", "=", " = ", "\t", "  ", " =", "= ")
const lineEnd = pick("", "", "", " ", "\t", "\r", " # a comment", " #")

const directive = (keyword: string, ...values: ReadonlyArray<string>) =>
  joined(
    pick("", "  ", "\t"),
    pick(keyword, keyword.toLowerCase(), keyword.toUpperCase()),
    separator,
    pick(...values),
    lineEnd
  )

const hostPattern = pickRow(
  ["alpha", "beta", "*", "al*", "?eta", "!alpha", "!b*", "Alpha", "*.example.com", '"beta"', "'alpha'", "10.0.0.?"],
  ["alpha,beta", "!*.example.com", "al**a", "a?p*a", "#", "*:*"]
)

const hostLine = Arbitrary.map(
  Arbitrary.all([
    pick("Host", "host", "HOST"),
    separator,
    Arbitrary.array(hostPattern, { minLength: 1, maxLength: 4 }),
    lineEnd
  ]),
  ([keyword, between, patterns, end]) => `${keyword}${between}${patterns.join(" ")}${end}`
)

const criterion = pickRow(
  ["host al*", "host *.example.com", "!host alpha", "host beta,!alpha", "host *,!alpha", 'host "web.example.com"'],
  ["originalhost beta", "originalhost ALPHA", "!originalhost alpha", "user root", "user deploy,!root", "!user deploy"],
  ["localuser *", "localuser nobody", "final", "canonical", "!final", "Host=alpha", "all", "!all", "host", "nonsense x"]
)

const matchLine = Arbitrary.map(
  Arbitrary.all([
    pick("Match ", "match\t", "MATCH "),
    Arbitrary.array(criterion, { minLength: 1, maxLength: 2 }),
    lineEnd
  ]),
  ([keyword, criteria, end]) => `${keyword}${criteria.join(" ")}${end}`
)

const option = oneOf(
  directive(
    "HostName",
    "%h.example.com",
    "web.example.com",
    "Beta",
    "10.0.0.7",
    "010.1",
    "::1",
    "a%%b",
    "2001:DB8::1",
    "2001:DB8:0::1",
    "%n"
  ),
  directive("Port", "22", "2222", "+80", "0022", "65535"),
  directive("User", "root", "deploy", '"a b"', "'a b'", 'a"b c"d', "a\\ b"),
  directive(
    "IdentityFile",
    "~/.ssh/%h",
    "/k/a",
    "/k/%%b-%r@%n:%p",
    "none",
    '"/k/a b"',
    "/k/a\\ b",
    "/k/${TOEHOLD_TEST}"
  ),
  directive("IdentityFile", "/k/%u-%d", "/k/%L-%l", "/k/%k", "/k/%i", "/k/it\\'s"),
  directive("IdentitiesOnly", "yes", "no", "YES", "false"),
  directive("IdentityAgent", "none", "/run/%h.sock", "~/agent", "/run/${TOEHOLD_TEST}/a"),
  directive("ProxyJump", "jump", "a@b:22,c", "ssh://j:2222", "[::1]:22", "x,y,z@w"),
  // Without a comment behind it, which ssh 9.2 takes for a part of the name.
  pick("ProxyJump none", "proxyjump=None"),
  directive("ConnectTimeout", "10", "1m30s", "none", "0", "1h", "2D"),
  directive("ServerAliveInterval", "15", "1m", "0"),
  directive("ServerAliveCountMax", "0", "7"),
  directive("StrictHostKeyChecking", "yes", "no", "ask", "off", "accept-new", "TRUE", "false"),
  directive("UserKnownHostsFile", "~/.ssh/kh", "/k/%h-%p-%r /k/%n", "none", '"/k/a b" /k/c', "/k/${TOEHOLD_TEST}"),
  directive("GlobalKnownHostsFile", "/k/g1 /k/g2", "none", "/k/%h"),
  directive("HostKeyAlias", "Alias", "known.example.com"),
  directive("Compression", "yes", "no"),
  directive("AddressFamily", "inet", "inet6", "any"),
  directive("RequestTTY", "yes", "no", "force", "auto"),
  directive("SessionType", "none", "default"),
  directive(
    "LocalForward",
    "8080 localhost:80",
    "127.0.0.1:8080 [::1]:80",
    "/tmp/%h.s /tmp/x",
    "[::]:99 a:1",
    "*:8080 a:1"
  ),
  directive("RemoteForward", "9090", "9090 h:1", "0 h:1", "[::1]:7 /tmp/%n"),
  directive("DynamicForward", "1080", "127.0.0.1:1080", "[::1]:1080"),
  directive("ClearAllForwardings", "no", "yes"),
  directive("PubkeyAuthentication", "yes", "no", "unbound"),
  directive("PasswordAuthentication", "yes", "no"),
  directive("ChallengeResponseAuthentication", "yes", "no"),
  directive("PreferredAuthentications", "publickey", "password,publickey"),
  directive("RequiredRSASize", "2048"),
  directive("ForwardAgent", "yes"),
  directive("SendEnv", "LANG LC_*"),
  directive("ControlMaster", "auto"),
  directive("ProxyCommand", "none"),
  directive("IgnoreUnknown", "UseKeychain,Foo*", "usekeychain")
)

// Rare, because one of them makes the whole file an error.
const faulty = pickRow(
  ["Port 0", "Port 65536", "Port ssh1", "Port", "User", 'User "open', "Bogus 1", "UseKeychain yes", "Foobar x y"],
  ["Port 22 23", "Compression true", "LocalForward 99999 a:1", "LocalForward 80", "ConnectTimeout soon", "Match"],
  ["ServerAliveCountMax -1", "UserKnownHostsFile none /k/x", "AddressFamily inet7", "Host ''"],
  ["UserKnownHostsFile /k/%z", "UserKnownHostsFile /k/${TOEHOLD_UNSET}", "HostName %z"]
)

const blankLine = pick("", "  ", "# a comment", "  # Port 1", "\t", '# "')

const includeLine = directive(
  "Include",
  "DIR/a.conf",
  "DIR/*.conf",
  "DIR/[ab].conf",
  "DIR/?.conf DIR/missing",
  '"DIR/b.conf"',
  "DIR/nothing*",
  "DIR/[!a].conf"
)

const body = (line: Arbitrary.Arbitrary<string>, maxLength: number) =>
  Arbitrary.map(Arbitrary.array(line, { maxLength }), (lines) => lines.join("\n"))

const plainLine = oneOf(option, option, option, option, hostLine, matchLine, blankLine)
const included = body(oneOf(plainLine, plainLine, plainLine, pick("Include DIR/b.conf", "Include DIR/d.conf")), 8)
const includedLast = body(plainLine, 6)
const main = body(oneOf(plainLine, plainLine, plainLine, plainLine, includeLine), 24)
const mainWithFault = Arbitrary.map(Arbitrary.all([main, oneOf(faulty, faulty), includedLast]), (parts) =>
  parts.join("\n")
)

const host = pick(
  "alpha",
  "beta",
  "Alpha",
  "web.example.com",
  "10.0.0.7",
  "::1",
  "root@alpha",
  "ssh://deploy@beta:2200"
)

const flag = pickRow(
  ["-p 2022", "-p2022", "-l deploy", "-4", "-6", "-C", "-N", "-T", "-t", "-v", "-q", "-vNp2022", "-J hop", "-Jnone"],
  ["-oPort=2022", "-o Port\t2022", "-o User=deploy", "-oIdentityFile=/k/cli-%h", "-L 1:h:2", "-R3:[::1]:4", "-D 5"],
  ["-oHostName=cli.example.com", "-o ConnectTimeout=3", "-o StrictHostKeyChecking=no", "-oCompression=no", "-x", "-n"],
  ["-oIdentitiesOnly=yes", "-oServerAliveInterval=9", "-oUserKnownHostsFile=/k/cli", "-oProxyJump=none", "-a"]
)

const splitFlag = (text: string): ReadonlyArray<string> => {
  const space = text.indexOf(" ")
  return space === -1 ? [text] : [text.slice(0, space), text.slice(space + 1)]
}

interface Case {
  readonly main: string
  readonly a: string
  readonly b: string
  readonly host: string
  readonly before: ReadonlyArray<string>
  readonly after: ReadonlyArray<string>
}

const run = Effect.fn(function* (input: Case) {
  const fs = yield* FileSystem.FileSystem
  const dir = yield* fs.makeTempDirectoryScoped()
  const place = (text: string) => text.replaceAll("DIR", dir)
  yield* fs.writeFileString(`${dir}/a.conf`, place(input.a), { mode: 0o600 })
  yield* fs.writeFileString(`${dir}/b.conf`, place(input.b), { mode: 0o600 })
  yield* fs.writeFileString(`${dir}/config`, place(input.main), { mode: 0o600 })
  const words = [
    "-F",
    `${dir}/config`,
    ...input.before.flatMap(splitFlag),
    input.host,
    ...input.after.flatMap(splitFlag)
  ]
  yield* compare(words, dir)
})

const inputs = (config: Arbitrary.Arbitrary<string>) => ({
  main: config,
  a: included,
  b: includedLast,
  host,
  before: Arbitrary.array(flag, { maxLength: 2 }),
  after: Arbitrary.array(flag, { maxLength: 1 })
})

RealPart.describeWith(["ssh"], "SshConfig.resolve against ssh -G", () => {
  it.effect.prop(
    "gives the same values for any configuration",
    inputs(main),
    (input) => run(input).pipe(Effect.scoped, Effect.provide(TestLayer)),
    { arbitrary: { runs: 200, seed: "values" } }
  )

  it.effect.prop(
    "refuses what ssh refuses",
    inputs(mainWithFault),
    (input) => run(input).pipe(Effect.scoped, Effect.provide(TestLayer)),
    { arbitrary: { runs: 100, seed: "refusals" } }
  )

  it.effect.each([
    ["a host in upper case", "HostName %h.EXAMPLE.com", ["Alpha"]],
    ["Match host sees HostName", "Host alpha\nHostName x\nMatch host x\nPort 7", ["alpha"]],
    ["Match host ignores case", "Match host ALPHA\nPort 7", ["alpha"]],
    ["Host does not", "Host ALPHA\nPort 7", ["alpha"]],
    ["a question mark is one character", "Host a?pha\nPort 7\nHost al?pha\nPort 8", ["alpha"]],
    ["commas do not separate Host patterns", "Host alpha,beta\nPort 7", ["alpha"]],
    ["a number sign inside a word", "HostName a#b", ["alpha"]],
    ["an address in octal", "Port 7", ["010.1.2.3"]],
    ["a mapped address", "Port 7", ["::ffff:1.2.3.4"]],
    ["the first of several values", "User a\nUser b\nHost *\nUser c", ["alpha"]],
    [
      "a final pass matches the resolved name",
      "Match final\nUser f\nHost x.y\nPort 9\nHost alpha\nHostName X.y",
      ["alpha"]
    ],
    ["a machine that is its own jump host", "Host *\nProxyJump hop", ["hop"]],
    ["a ProxyCommand of none shuts ProxyJump out", "ProxyCommand none\nProxyJump hop", ["alpha"]],
    [
      "Match exec",
      'Match exec "test %h,%n,%p,%r,%L = beta,alpha,22,x,%L"\nPort 1\nHostName beta\nUser x\n' +
        'Match exec "test %h,%n,%p,%r,%L = beta,alpha,22,x,%L"\nPort 7\nMatch !exec false\nServerAliveInterval 5',
      ["alpha"]
    ],
    ["CR LF", "Host alpha\r\n\tPort 7\r\n", ["alpha"]],
    ["a keyword in quotes", '"Port" 7', ["alpha"]]
  ] as const)("%s", ([, text, words]) =>
    run({ main: text, a: "", b: "", host: words[0], before: [], after: [] }).pipe(
      Effect.scoped,
      Effect.provide(TestLayer)
    )
  )

  it.effect.each([0o600, 0o644, 0o646])("minds the mode %o of an included file", (mode) =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const dir = yield* fs.makeTempDirectoryScoped()
      yield* fs.writeFileString(`${dir}/config`, `Include ${dir}/included`)
      yield* fs.writeFileString(`${dir}/included`, "Port 7")
      yield* fs.chmod(`${dir}/included`, mode)
      yield* compare(["-F", `${dir}/config`, "alpha"], dir)
    }).pipe(Effect.scoped, Effect.provide(TestLayer))
  )

  it.effect("expands key names as ssh does when it connects", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const dir = yield* fs.makeTempDirectoryScoped()
      const names = ["%h", "%n", "%p", "%r", "%u", "%%", "%d", "%L", "%l", "%k", "%i", "%C", "${TOEHOLD_TEST}"]
      const config = `HostName real.example.com\nUser me\n${names.map((name, index) => `IdentityFile /k/${index}-${name}`).join("\n")}\n`
      yield* fs.writeFileString(`${dir}/config`, config, { mode: 0o600 })
      const words = ["-F", `${dir}/config`, "alpha"]
      const { stderr } = spawnSync(RealPart.path("ssh"), ["-v", "-o", "ProxyCommand=false", ...words], {
        env,
        stdio: ["ignore", "pipe", "pipe"],
        encoding: "utf8"
      })
      const tried = [...stderr.matchAll(/identity file (.*) type/g)].map(([, file = ""]) => file)
      const resolved = yield* SshConfig.resolve(Result.getOrThrow(SshTarget.parseWords(words)))
      assert.deepStrictEqual(
        resolved.identityFiles,
        tried.filter((file) => !file.endsWith("-cert"))
      )
      assert.strictEqual(resolved.identityFiles.length, names.length)
    }).pipe(Effect.scoped, Effect.provide(TestLayer))
  )
})
