/** Link, address, default route and name servers of a machine that has a console alone. */
import { Effect } from "effect"
import * as BootstrapError from "../../BootstrapError.ts"
import type { ConsoleReady, MachineReady, NetworkReady, Report } from "../../SessionStep.ts"
import type { MachineNetwork } from "../../MachineNetwork.ts"
import { type Facts, run, runAsRoot, type Script, type Spawner } from "../machineShell.ts"
import { network as text } from "../script/network.ts"
import { ipv4 } from "../words.ts"

const numberOf = (address: string): number => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0)

const maskOf = (length: number): number => (length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0)

const dotted = (address: number): string => [24, 16, 8, 0].map((shift) => String((address >>> shift) & 255)).join(".")

/** As /proc/net/route has it on a machine of this byte order. */
const hex = (bytes: ReadonlyArray<number>): string =>
  bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join("")

interface Plan {
  readonly subnet: string
  readonly length: number
  readonly gateway: string
  readonly dns: ReadonlyArray<string> | undefined
}

const fail = (reason: BootstrapError.Reason) => Effect.fail(BootstrapError.make(reason))

const invalid = (field: string, detail: string) => fail(new BootstrapError.InvalidConfig({ field, detail }))

const planOf = Effect.fnUntraced(function* (
  { dns, gateway = "10.0.100.1", subnet = "10.0.100.0/24" }: MachineNetwork,
  ip: string
) {
  const [, base = "", bits = ""] = /^([0-9.]+)\/([0-9]{1,2})$/.exec(subnet) ?? []
  const length = Number(bits)
  if (ipv4(base) !== undefined || bits === "" || length < 8 || length > 30) {
    return yield* invalid("network.subnet", "it must be an IPv4 network such as 10.0.100.0/24, of 8 to 30 bits")
  }
  const wrong = [gateway, ...(dns ?? [])].map(ipv4).find((detail) => detail !== undefined)
  if (wrong !== undefined) return yield* invalid("network", wrong)
  const within = (address: string) => ((numberOf(address) ^ numberOf(base)) & maskOf(length)) === 0
  for (const address of [ip, gateway]) {
    if (!within(address)) return yield* fail(new BootstrapError.AddressOutsideNetwork({ address, network: subnet }))
  }
  const plan: Plan = { subnet, length, gateway, dns }
  return plan
})

const argsOf = (ip: string, { dns, gateway, length }: Plan): ReadonlyArray<string> => {
  const bytes = gateway.split(".").map(Number)
  return [
    ip,
    String(length),
    dotted(maskOf(length)),
    gateway,
    hex([...bytes].reverse()),
    hex(bytes),
    dns === undefined ? "missing" : "given",
    ...(dns ?? ["1.1.1.1", "8.8.8.8"])
  ]
}

const failureOf = (facts: Facts, plan: Plan): BootstrapError.Reason | undefined => {
  const failure = facts.get("fail")
  if (failure === undefined) return undefined
  const blank = failure.indexOf(" ")
  const [what, detail] = blank === -1 ? [failure, ""] : [failure.slice(0, blank), failure.slice(blank + 1)]
  switch (what) {
    case "interface":
      return new BootstrapError.InterfaceMissing({})
    case "tool":
      return new BootstrapError.ToolMissing({ tool: detail })
    case "silent":
      return new BootstrapError.GatewaySilent({ gateway: plan.gateway, interface: facts.get("interface") ?? "" })
    case "link":
    case "address":
    case "route":
    case "dns":
      return new BootstrapError.NetworkSetupFailed({ what, detail })
    default:
      return new BootstrapError.BadAnswer({ step: "network", detail: `it fails with ${failure}` })
  }
}

/** What `sudo -n` says when it may not, or isn't there. */
const notPermitted = (error: BootstrapError.BootstrapError): BootstrapError.BootstrapError => {
  const { reason } = error
  const says = "detail" in reason && typeof reason.detail === "string" ? reason.detail : ""
  return /sudo|NotFound|ENOENT/.test(says) && reason._tag !== "StepTimeout"
    ? BootstrapError.make(new BootstrapError.NotPermitted({ detail: says }))
    : error
}

export const network = (spawner: Spawner, options: MachineNetwork | "skip") =>
  Effect.fn("SessionSteps.network")(function* (
    { console, machine }: { readonly machine: MachineReady; readonly console: ConsoleReady },
    report: Report
  ): Effect.fn.Return<NetworkReady, BootstrapError.BootstrapError> {
    if (options === "skip") {
      yield* report("The machine is reached over its network, which stays as it is")
      return { _tag: "Skipped" }
    }
    const { ip } = machine
    const plan = yield* planOf(options, ip)
    yield* report(`Looking at the machine's network (${ip}/${plan.length}, gateway ${plan.gateway})`)
    const script = (mode: "look" | "apply"): Script => ({
      step: "network",
      text,
      args: [mode, ...argsOf(ip, plan)],
      timeout: "90 seconds"
    })
    const looked = yield* run(spawner, script("look"))
    let facts = looked
    if (looked.get("todo") !== undefined) {
      yield* report(`Setting up the machine's network: ${looked.all("todo").join(", ")}`)
      facts = yield* Effect.mapError(runAsRoot(spawner, console.uid, script("apply")), notPermitted)
    }
    const failure = failureOf(facts, plan)
    if (failure !== undefined) return yield* fail(failure)
    const name = facts.get("interface")
    const dns = facts.get("dns")
    if (name === undefined || (dns !== "systemd-resolved" && dns !== "resolv.conf")) {
      return yield* fail(new BootstrapError.BadAnswer({ step: "network", detail: "it does not say what is set up" }))
    }
    const address = `${ip}/${plan.length}`
    yield* report(`The machine's network is up: ${address} on ${name}, gateway ${plan.gateway}`)
    return {
      _tag: "Configured",
      interface: name,
      address,
      gateway: plan.gateway,
      gatewayAnswers: facts.get("gateway") === "yes",
      dns,
      changed: facts.get("changed") === "1"
    }
  })
