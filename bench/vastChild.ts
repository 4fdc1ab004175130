/** Brings all instances of a plan up at once, says what becomes of each, and at the end how much memory it took. */
import { NodeHttpClient, NodeRuntime, NodeServices } from "@effect/platform-node"
import { Clock, Effect, FileSystem, Layer, Redacted, Schema } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { ChildProcessSpawner } from "effect/process"
import * as Net from "node:net"
import * as Provision from "@toehold/bootstrap-service/Provision"
import * as ProvisionAccess from "@toehold/bootstrap-service/ProvisionAccess"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as HostKeys from "@toehold/ssh-core/HostKeys"
import * as SshClient from "@toehold/ssh-core/SshClient"
import type * as SshError from "@toehold/ssh-core/SshError"
import * as SshFiles from "@toehold/ssh-core/SshFiles"
import * as SshProcess from "@toehold/ssh-core/SshProcess"
import * as VastClient from "@toehold/vast-api/VastClient"

const Plan = Schema.fromJsonString(
  Schema.Struct({
    url: Schema.String,
    apiKey: Schema.RedactedFromValue(Schema.String),
    edge: Schema.String,
    key: Schema.String,
    publicKey: Schema.String,
    fingerprint: Schema.String,
    instances: Schema.Array(Schema.Struct({ id: Schema.Int, port: Schema.Int }))
  })
)

const [path = ""] = process.argv.slice(2)

const say = (said: object): void => void process.stdout.write(`${JSON.stringify(said)}\n`)

const probe = ({ host, port }: { readonly host: string; readonly port: number }) =>
  Effect.callback<ProvisionAccess.PortReport>((resume) => {
    const socket = Net.connect({ host, port })
    const end = (state: ProvisionAccess.PortReport["state"]): void => {
      resume(Effect.succeed({ state, detail: "" }))
      socket.destroy()
    }
    socket.once("data", () => end("open"))
    socket.once("error", () => end("refused"))
    socket.once("close", () => end("closed"))
  })

const failureOf = ({ fix, isRetryable, message, reason }: SshError.SshError): ProvisionAccess.LoginFailure => {
  switch (reason._tag) {
    case "AuthRejected":
      return { _tag: "Denied", tried: [], message }
    case "ConnectionRefused":
    case "ConnectionClosed":
    case "ConnectionLost":
    case "ConnectTimeout":
      return { _tag: "Unreachable", message }
    default:
      return { _tag: "Other", kind: reason._tag, message, fix, isRetryable, cause: reason }
  }
}

const run = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const plan = yield* Schema.decodeEffect(Plan)(yield* fs.readFileString(path))
  const hostKeys = yield* HostKeys.make({ policy: "off", userFiles: [], globalFiles: [] })
  const vast = yield* VastClient.make({ apiKey: plan.apiKey, baseUrl: plan.url })
  // As the lab's `throughEdge`; the lab itself would take up more room than what is measured.
  const http = HttpClient.mapRequest(yield* HttpClient.HttpClient, (request) =>
    HttpClientRequest.setUrl(
      request,
      request.url.replace(/^https:\/\/([a-z0-9-]+\.trycloudflare\.com)(?=[/?#]|$)/, `${plan.edge}/at/$1`)
    )
  )
  const context = yield* Effect.context<FileSystem.FileSystem | ClientPlatform.ClientPlatform>()

  const login = Effect.fnUntraced(function* ({ address: { host, port } }: ProvisionAccess.LoginRequest) {
    const ssh = yield* SshClient.make({
      host,
      port,
      user: "root",
      identities: [{ path: plan.key, origin: "required" }],
      spareSessions: 0
    }).pipe(Effect.provideService(HostKeys.HostKeys, hostKeys))
    const processes = yield* Effect.provideService(SshProcess.make, SshClient.SshClient, ssh)
    const files = yield* SshFiles.make().pipe(
      Effect.provideService(SshClient.SshClient, ssh),
      Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, processes)
    )
    return { processes, files }
  })

  const access = ProvisionAccess.ProvisionAccess.of({
    identities: Effect.succeed({
      identities: [
        { path: plan.key, keyType: "ssh-ed25519", fingerprint: plan.fingerprint, publicKey: plan.publicKey }
      ],
      searched: []
    }),
    probe,
    login: (request) => login(request).pipe(Effect.mapError(failureOf), Effect.provide(context)),
    remembered: () => Effect.undefined,
    remember: () => Effect.void
  })

  const began = yield* Clock.currentTimeMillis
  const heard = new Map(plan.instances.map(({ id }) => [id, began]))
  const silences = new Map(plan.instances.map(({ id }) => [id, 0]))
  const loggedIn = new Map<number, number>()
  const work: Array<number> = []
  const ports = new Map(plan.instances.map(({ id, port }) => [id, port]))

  const optionsOf = (id: number): Provision.UpOptions => {
    const port = ports.get(id) ?? 0
    return {
      workspaces: ["~/workspace"],
      secrets: { HF_TOKEN: Redacted.make("hf_of_the_bench") },
      app: { name: "app", port, command: `mkdir -p www; exec busybox httpd -f -p 127.0.0.1:${port} -h www`, path: "/" },
      retryEvery: "5 seconds",
      onEvent: (event) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          silences.set(id, Math.max(silences.get(id) ?? 0, now - (heard.get(id) ?? now)))
          heard.set(id, now)
          if (event._tag === "Done" && event.step === "login") loggedIn.set(id, now)
        })
    }
  }
  const ended = yield* Provision.upEach(
    plan.instances.map(({ id }) => id),
    optionsOf,
    (id, { tunnel }) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        work.push(now - (loggedIn.get(id) ?? began))
        say({ event: "ready", id, url: tunnel?.url ?? "" })
      })
  ).pipe(
    Effect.provideService(VastClient.VastClient, vast),
    Effect.provideService(ProvisionAccess.ProvisionAccess, access),
    Effect.provideService(HttpClient.HttpClient, http)
  )
  for (const [index, result] of ended.entries()) {
    if (result._tag === "Failure") {
      say({ event: "failed", id: plan.instances[index]?.id ?? 0, message: result.failure.message })
    }
  }
  // In kilobytes, on every system.
  const megabytes = (process.resourceUsage().maxRSS * 1024) / 1e6
  say({ event: "end", work, silences: [...silences.values()], megabytes })
})

run.pipe(
  Effect.provide(Layer.mergeAll(NodeServices.layer, ClientPlatform.layer, NodeHttpClient.layerUndici)),
  NodeRuntime.runMain
)
