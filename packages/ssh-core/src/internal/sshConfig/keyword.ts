import { Result } from "effect"
import * as PortForward from "../../PortForward.ts"
import { parsePort } from "../sshTarget/port.ts"
import { parseJump } from "../sshTarget/jump.ts"
import type { ConfigLine } from "./line.ts"
import type { Settings } from "./settings.ts"
import { harmless, refused, sessionOnly } from "./unhonoured.ts"
import * as Value from "./value.ts"

/** Checks a line, and says how it changes the settings where its block applies. */
type Rule = (line: ConfigLine) => Result.Result<(settings: Settings) => void, Complaint>

/** What is wrong with a line. */
export interface Complaint {
  readonly detail: string
  readonly hint?: string | undefined
}

const complain = (detail: string, hint?: string): Result.Result<never, Complaint> => Result.fail({ detail, hint })

const single =
  <A>(parse: Value.Parse<A>, put: (settings: Settings, value: A) => void): Rule =>
  ({ args: [argument, ...extra] }) => {
    if (argument === undefined || argument === "") return complain("no value follows the keyword")
    if (extra.length > 0) return complain(`"${extra[0]}" is left over behind the value`)
    return Result.match(parse(argument), {
      onFailure: complain,
      onSuccess: (value) => Result.succeed((settings: Settings) => put(settings, value))
    })
  }

const first = <K extends keyof Settings>(key: K, parse: Value.Parse<Settings[K]>): Rule =>
  single(parse, (settings, value) => {
    if (settings[key] === undefined) settings[key] = value
  })

const files =
  (key: "userKnownHostsFiles" | "globalKnownHostsFiles"): Rule =>
  ({ args }) => {
    if (args.length === 0 || args.includes("")) return complain("a file name is missing")
    const isNone = args.some((argument) => argument.toLowerCase() === "none")
    if (isNone && args.length > 1) return complain("none must stand alone")
    return Result.succeed((settings) => {
      settings[key] ??= isNone ? [] : args
    })
  }

/** As many as ssh allows. */
export const maxIdentityFiles = 100

/** ssh allows any number. */
export const maxForwards = 1000

// One more than allowed is kept, so that the whole can be refused once it is known what applies.
const identityFile: Rule = single(Value.text, ({ identityFiles }, file) => {
  if (!identityFiles.includes(file) && identityFiles.length <= maxIdentityFiles) identityFiles.push(file)
})

const forward =
  (kind: PortForward.Kind): Rule =>
  ({ args: [listen, connect, ...extra] }) => {
    if (listen === undefined || listen === "") return complain("no value follows the keyword")
    if (kind === "local" && connect === undefined) return complain("the destination is missing")
    if (kind === "dynamic" ? connect !== undefined : extra.length > 0) return complain("there are words left over")
    const spec = connect === undefined || connect === "" ? listen : `${listen}:${connect}`
    return Result.match(PortForward.parse(kind, spec), {
      onFailure: () => complain(`"${spec}" is no forwarding`),
      onSuccess: (parsed) => Result.succeed((settings) => addForward(settings, parsed))
    })
  }

/** Adds a forwarding that is not there yet. */
export const addForward = ({ forwards }: Settings, added: PortForward.PortForward): void => {
  const isSame = (other: PortForward.PortForward) =>
    other.kind === added.kind && PortForward.format(other) === PortForward.format(added)
  if (forwards.length <= maxForwards && !forwards.some(isSame)) forwards.push(added)
}

const proxyJump: Rule = ({ rest }) => {
  const [spec = ""] = rest.replace(/^[ \t\r\n=]+/, "").split("#", 1)
  return Result.match(parseJump(spec.trimEnd()), {
    onFailure: complain,
    onSuccess: (hops) =>
      Result.succeed((settings) => {
        if (settings.proxyDecided || settings.proxyJump !== undefined) return
        settings.proxyJump = hops
        settings.proxyDecided = hops.length > 0
      })
  })
}

const sessionType: Rule = ({ args, location }) =>
  single(Value.choice({ none: "none", default: "default", subsystem: "subsystem" }), (settings, value) => {
    if (settings.sessionType !== undefined) return
    settings.sessionType = value === "none" ? "none" : "default"
    if (value !== "subsystem") return
    const detail = "subsystems are not supported"
    settings.refusals.set("sessiontype", { keyword: "sessiontype", detail, hint: undefined, location })
  })({ keyword: "sessiontype", rest: "", args, location })

const refuse =
  (keyword: string, neutral: ReadonlyArray<string>, detail: string, hint: string | undefined): Rule =>
  ({ args, location, rest }) => {
    const value = (args[0] ?? rest.replace(/^[ \t=]+/, "")).toLowerCase()
    const refusal = neutral.includes(value) ? undefined : { keyword, detail, hint, location }
    return Result.succeed((settings) => {
      if (keyword === "proxycommand") {
        // Whichever of ProxyJump and ProxyCommand comes first decides.
        if (settings.proxyDecided) return
        settings.proxyDecided = true
      }
      if (!settings.refusals.has(keyword)) settings.refusals.set(keyword, refusal)
    })
  }

const nothing = (): void => {}

const skip: Rule = () => Result.succeed(nothing)

const skipInFiles =
  (neutral: ReadonlyArray<string>, detail: string, hint: string | undefined): Rule =>
  ({ args, location }) =>
    location === undefined && !neutral.includes((args[0] ?? "").toLowerCase())
      ? complain(detail, hint)
      : Result.succeed(nothing)

const port: Value.Parse<number> = (text) => {
  const number = parsePort(text)
  return number === undefined ? Result.fail(`"${text}" is no port between 1 and 65535`) : Result.succeed(number)
}

const publicKey = first(
  "publicKeyAuthentication",
  Value.choice({ yes: true, true: true, no: false, false: false, unbound: true, "host-bound": true })
)
const keyboardInteractive = first("keyboardInteractiveAuthentication", Value.flag)
const serverAliveInterval = first("serverAliveInterval", Value.seconds)
const publicKeyAlgorithms = first("publicKeyAlgorithms", Value.algorithms)

const honoured: Readonly<Record<string, Rule>> = {
  hostname: first("hostName", Value.text),
  port: first("port", port),
  user: first("user", Value.text),
  identityfile: identityFile,
  identityfile2: identityFile,
  identitiesonly: first("identitiesOnly", Value.flag),
  identityagent: first("identityAgent", Value.text),
  proxyjump: proxyJump,
  connecttimeout: first("connectTimeout", Value.seconds),
  serveraliveinterval: serverAliveInterval,
  // Debian's older names for it.
  protocolkeepalives: serverAliveInterval,
  setuptimeout: serverAliveInterval,
  serveralivecountmax: first("serverAliveCountMax", Value.count),
  stricthostkeychecking: first(
    "strictHostKeyChecking",
    Value.choice({
      yes: "yes",
      true: "yes",
      no: "no",
      false: "no",
      off: "no",
      ask: "ask",
      "accept-new": "accept-new"
    })
  ),
  userknownhostsfile: files("userKnownHostsFiles"),
  globalknownhostsfile: files("globalKnownHostsFiles"),
  hostkeyalias: first("hostKeyAlias", Value.text),
  compression: first("compression", Value.choice({ yes: true, no: false })),
  localforward: forward("local"),
  remoteforward: forward("remote"),
  dynamicforward: forward("dynamic"),
  clearallforwardings: first("clearAllForwardings", Value.flag),
  addressfamily: first("addressFamily", Value.choice({ any: "any", inet: "inet", inet6: "inet6" })),
  requesttty: first(
    "requestTty",
    Value.choice({ yes: "yes", true: "yes", no: "no", false: "no", force: "force", auto: "auto" })
  ),
  sessiontype: sessionType,
  ignoreunknown: first("ignoreUnknown", Value.text),
  pubkeyauthentication: publicKey,
  dsaauthentication: publicKey,
  passwordauthentication: first("passwordAuthentication", Value.flag),
  kbdinteractiveauthentication: keyboardInteractive,
  challengeresponseauthentication: keyboardInteractive,
  skeyauthentication: keyboardInteractive,
  tisauthentication: keyboardInteractive,
  preferredauthentications: first("preferredAuthentications", Value.text),
  ciphers: first("ciphers", Value.algorithms),
  macs: first("macs", Value.algorithms),
  kexalgorithms: first("keyExchange", Value.algorithms),
  hostkeyalgorithms: first("hostKeyAlgorithms", Value.algorithms),
  pubkeyacceptedalgorithms: publicKeyAlgorithms,
  pubkeyacceptedkeytypes: publicKeyAlgorithms,
  requiredrsasize: first("requiredRsaBits", Value.count)
}

const rules: ReadonlyMap<string, Rule> = new Map([
  ...[...harmless].map((keyword) => [keyword, skip] as const),
  ...Object.entries(sessionOnly).map(
    ([keyword, { detail, hint, neutral }]) => [keyword, skipInFiles(neutral, detail, hint)] as const
  ),
  ...Object.entries(refused).map(
    ([keyword, { detail, hint, neutral }]) => [keyword, refuse(keyword, neutral, detail, hint)] as const
  ),
  ...Object.entries(honoured)
])

/** The rule of a keyword other than Host, Match and Include; `undefined` where ssh knows none. */
export const findRule = (keyword: string, os: string): Rule | undefined =>
  // Apple's ssh only: whether a passphrase is kept in the keychain.
  rules.get(keyword) ?? (keyword === "usekeychain" && os === "darwin" ? skip : undefined)
