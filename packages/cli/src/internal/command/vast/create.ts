/** `toehold vast create`: rents an offer. */
import { Effect, Redacted } from "effect"
import * as ExitCode from "../../../ExitCode.ts"
import { readEnvironment } from "../../commandFlags.ts"
import type { Handler, Invocation } from "../../commandSpec.ts"
import { secretFromEnvironment } from "../../invocation.ts"
import { readBounded } from "../../machine.ts"
import { plain, print, printJson } from "../../print.ts"
import { readId, readNumber, vast } from "../../vast/read.ts"

/** The service takes no more. */
const maxScriptBytes = 64 * 1024

const runtypes = {
  ssh: "ssh_direc ssh_proxy",
  "ssh-proxy": "ssh_proxy",
  jupyter: "jupyter_direc ssh_direc ssh_proxy",
  "jupyter-proxy": "jupyter_proxy ssh_proxy",
  args: "args"
} as const

/** The ways in which an instance can be launched. */
const isRuntype = (name: string): name is keyof typeof runtypes => Object.hasOwn(runtypes, name)

const readPorts = Effect.fnUntraced(function* (invocation: Invocation) {
  const ports: Record<string, string> = {}
  for (const text of invocation.all("expose")) {
    const [, port, protocol = "tcp"] = /^([1-9]\d{0,4})(?:\/(tcp|udp))?$/.exec(text) ?? []
    if (port === undefined || Number(port) > 65535) {
      return yield* invocation.usage(`--expose ${text}: write a port, or PORT/udp.`)
    }
    ports[`-p ${port}:${port}${protocol === "udp" ? "/udp" : ""}`] = "1"
  }
  return ports
})

export const vastCreate: Handler = (invocation) =>
  Effect.gen(function* () {
    const offer = yield* readId(invocation, 0, "offer", "toehold vast offers")
    const image = invocation.one("image")
    const template = invocation.one("template")
    if (image === undefined && template === undefined) {
      return yield* invocation.usage("There is nothing to run: give --image, --template or both.")
    }
    const script = invocation.one("onstart")
    const login = invocation.one("image-login-env")
    const disk = yield* readNumber(invocation, "disk")
    const bid = yield* readNumber(invocation, "bid")
    const label = invocation.one("label")
    const kind = invocation.one("run") ?? "ssh"
    const env = { ...(yield* readEnvironment(invocation)), ...(yield* readPorts(invocation)) }
    const options = {
      ...(image === undefined ? {} : { image }),
      ...(template === undefined ? {} : { template }),
      ...(disk === undefined ? {} : { disk }),
      ...(bid === undefined ? {} : { price: bid }),
      ...(label === undefined ? {} : { label }),
      ...(isRuntype(kind) ? { runtype: runtypes[kind] } : {}),
      ...(script === undefined
        ? {}
        : { onstart: Redacted.make(new TextDecoder().decode(yield* readBounded(script, maxScriptBytes))) }),
      ...(login === undefined ? {} : { imageLogin: yield* secretFromEnvironment("image-login-env", login) }),
      env,
      waitForGpu: invocation.has("wait-for-gpu")
    }
    const { instances } = yield* vast
    const made = yield* instances.create(offer, options)
    const { adopted, instance } = made
    yield* invocation.has("json")
      ? printJson({ instance, label: made.label, adopted })
      : print(
          `${plain(`Instance ${instance}, labelled "${made.label}".`)}\nWait for it: toehold vast wait ${instance} --for ssh-ready\n`
        )
    return ExitCode.done
  })
