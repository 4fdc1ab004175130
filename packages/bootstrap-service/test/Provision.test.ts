import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { HttpClient } from "effect/http"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Provision from "../src/Provision.ts"
import type { ProvisionEvent } from "../src/ProvisionEvent.ts"
import { layer, Site } from "./support/site.ts"

const onSite = { excludeTestServices: true }

/** Runs the flow and keeps its events. */
const run = Effect.fnUntraced(function* (options: Provision.Options) {
  const events: Array<ProvisionEvent> = []
  const ready = yield* Effect.result(
    Provision.ready({
      workspaces: ["~/workspace"],
      logs: ["*/provision_image.log"],
      ...options,
      onEvent: (event) => Effect.sync(() => void events.push(event))
    })
  )
  const skipped = events.flatMap((event) => (event._tag === "Done" && event.skipped ? [event.step] : []))
  return { ready, events, skipped }
})

const fail = (message: string): never => assert.fail(message)

describe("Provision", () => {
  it.layer(layer(), onSite)("a machine with nothing on it", (it) => {
    it.effect("comes to a URL that answers, and the second time finds all of it", () =>
      Effect.gen(function* () {
        const site = yield* Site
        const port = yield* site.freePort
        const app = { name: "comfyui", port, command: site.app(port) }
        const first = yield* run({ app })
        if (first.ready._tag === "Failure") return fail(first.ready.failure.message)
        const { facts, tunnel } = first.ready.success
        assert.strictEqual(facts.workspace, site.workspace)
        assert.strictEqual(facts.manager, "jobs")
        assert.isTrue(Fs.existsSync(Path.join(site.home, ".no_auto_tmux")))
        if (tunnel === undefined) return fail("no tunnel")
        assert.isFalse(tunnel.wasOpen)
        const page = yield* Effect.flatMap(HttpClient.get(tunnel.url), ({ text }) => text)
        assert.strictEqual(page, "ComfyUI")

        const second = yield* run({ app })
        if (second.ready._tag === "Failure") return fail(second.ready.failure.message)
        assert.strictEqual(second.ready.success.tunnel?.url, tunnel.url)
        assert.deepStrictEqual(second.skipped, ["shell", "provisioning", "services", "tunnel"])
        assert.deepStrictEqual([site.starts("app"), site.starts("cloudflared")], [1, 1])
      }).pipe(Effect.scoped)
    )
  })

  it.layer(layer(), onSite)("a provisioner that lacked a token", (it) => {
    it.effect("is named with what it lacks, runs again with it, and never tells it", () =>
      Effect.gen(function* () {
        const site = yield* Site
        const token = "hf_planted_secret_0123456789"
        Fs.mkdirSync(site.workspace, { recursive: true })
        Fs.writeFileSync(
          Path.join(site.workspace, "provision_image.sh"),
          '#!/bin/sh\n[ -n "${HF_TOKEN:-}" ] || exit 1\necho "got $HF_TOKEN"\necho once >>"$WORKSPACE/models"\n',
          { mode: 0o755 }
        )
        Fs.writeFileSync(
          Path.join(site.workspace, "provision_image.log"),
          "provisioning started\nERROR: HF_TOKEN is not set: no models\nProvisioning failed with exit code 1\n"
        )
        const without = yield* run({ app: false })
        if (without.ready._tag === "Success") return fail("it passed without a token")
        assert.strictEqual(without.ready.failure.reason._tag, "SecretsMissing")
        assert.include(without.ready.failure.fix, "--secret HF_TOKEN")

        const withToken = yield* run({ app: false, secrets: { HF_TOKEN: Redacted.make(token) } })
        if (withToken.ready._tag === "Failure") return fail(withToken.ready.failure.message)
        assert.isTrue(withToken.events.some((event) => event._tag === "Output" && event.line === "got ***"))
        assert.notInclude(JSON.stringify(withToken.events), token)

        const again = yield* run({ app: false })
        if (again.ready._tag === "Failure") return fail(again.ready.failure.message)
        assert.strictEqual(Fs.readFileSync(Path.join(site.workspace, "models"), "utf8"), "once\n")
        // What the script itself prints is the script's own affair; nothing else has it.
        const leaks = site.filesWith(token).filter((path) => !/\/d\/out\//.test(path))
        assert.deepStrictEqual(leaks, [])
      }).pipe(Effect.scoped)
    )
  })

  it.layer(layer({ env: { TEST_RATE_LIMITED: "yes" } }), onSite)("where Cloudflare gives no tunnel", (it) => {
    it.effect("fails with the reason, after the app is up", () =>
      Effect.gen(function* () {
        const site = yield* Site
        const port = yield* site.freePort
        const { ready } = yield* run({ app: { name: "comfyui", port, command: site.app(port) } })
        if (ready._tag === "Success") return fail("there is no URL, and it passed")
        assert.strictEqual(ready.failure.reason._tag, "TunnelRateLimited")
        assert.isTrue(ready.failure.isRetryable)
      }).pipe(Effect.scoped)
    )
  })

  it.layer(layer(), onSite)("an app that can't run", (it) => {
    it.effect("is named with its last words; one that is unknown with what to say", () =>
      Effect.gen(function* () {
        const site = yield* Site
        const port = yield* site.freePort
        const broken = yield* run({ app: { name: "comfyui", port, command: "echo no module torch >&2; exit 3" } })
        if (broken.ready._tag === "Success") return fail("it passed")
        assert.strictEqual(broken.ready.failure.reason._tag, "ServiceFailed")
        assert.include(broken.ready.failure.message, "exit code 3. It ended with: no module torch")
        const unknown = yield* run({ app: { name: "comfyui", port } })
        if (unknown.ready._tag === "Success") return fail("it passed")
        assert.strictEqual(unknown.ready.failure.reason._tag, "ServiceMissing")
      }).pipe(Effect.scoped)
    )
  })
})
