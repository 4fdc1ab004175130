import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import * as Fs from "node:fs"
import * as Http from "node:http"
import * as KeyPair from "@toehold/lab/KeyPair"
import * as Leaks from "@toehold/lab/Leaks"
import { describeWith, find } from "@toehold/lab/RealPart"
import * as Simulator from "@toehold/lab/VastSimulator"
import { refuses, withClient } from "./support/clients.ts"

const delays = { status: 5, load: 5, ssh: 5, keys: 5 }

const placeOf = (instance: Simulator.InstanceControl, kind: "direct" | "proxy") => ({
  host: "127.0.0.1",
  port: instance[kind]?.port ?? 0,
  user: instance.user
})

const settledOne = Effect.fnUntraced(function* (
  simulator: Simulator.VastSimulator["Service"],
  spec?: Simulator.InstanceSpec & Partial<Simulator.Rental>
) {
  const instance = yield* simulator.rent(spec)
  yield* instance.settled
  return instance
})

const suite = (servers: Simulator.Kind) => {
  it.layer(NodeServices.layer, { excludeTestServices: true })((it) => {
    it.effect("is a machine that a key of the account lets into, with a host key for each address", () =>
      Effect.gen(function* () {
        const { privateKey, publicKey } = yield* KeyPair.generate()
        const simulator = yield* Simulator.make({ delays, servers, publicKeys: [publicKey] })
        const instance = yield* settledOne(simulator)
        const seen = new Set<string>()
        for (const kind of ["direct", "proxy"] as const) {
          const said = yield* withClient(
            placeOf(instance, kind),
            { privateKey, hostVerifier: (key: Buffer) => seen.add(key.toString("base64")).size > 0 },
            'echo "$HOME"; command -v cloudflared; [ -e /run/systemd/system ] || echo none'
          )
          assert.match(said, /^\/\S+\/root\n\/\S+\/bin\/cloudflared\nnone\n$/)
        }
        const { direct, proxy } = yield* instance.hostKeys
        assert.deepStrictEqual(
          [...seen],
          [...direct, ...proxy].map(({ blob }) => blob.toString("base64"))
        )
      })
    )

    it.effect("refuses connections at first, then the key, and lets it in at last", () =>
      Effect.gen(function* () {
        const { privateKey, publicKey } = yield* KeyPair.generate()
        const slow = { ...delays, ssh: 300, keys: 700 }
        const simulator = yield* Simulator.make({ delays: slow, servers, publicKeys: [publicKey] })
        const instance = yield* simulator.rent()
        const place = placeOf(instance, "direct")
        while ((yield* instance.status) !== "running") yield* Effect.sleep("10 millis")
        assert.isTrue(yield* refuses(place.port))
        while (yield* refuses(place.port)) yield* Effect.sleep("20 millis")
        assert.include(yield* withClient(place, { privateKey }, "echo in"), "configured authentication methods failed")
        yield* instance.settled
        assert.strictEqual(yield* withClient(place, { privateKey }, "echo in"), "in\n")
      })
    )

    it.effect("keeps its files over a stop, and is another machine at the same ports when recycled", () =>
      Effect.gen(function* () {
        const { privateKey, publicKey } = yield* KeyPair.generate()
        const simulator = yield* Simulator.make({ delays, servers, publicKeys: [publicKey] })
        const instance = yield* settledOne(simulator)
        const place = placeOf(instance, "proxy")
        const before = yield* instance.hostKeys
        yield* withClient(place, { privateKey }, "echo kept >~/file")
        yield* simulator.order(instance.id, "stop")
        yield* instance.settled
        assert.strictEqual(yield* instance.status, "exited")
        assert.isTrue(yield* refuses(place.port))
        yield* simulator.order(instance.id, "start")
        yield* instance.settled
        assert.strictEqual(yield* withClient(place, { privateKey }, "cat ~/file"), "kept\n")
        assert.deepStrictEqual(yield* instance.hostKeys, before)
        yield* simulator.order(instance.id, "recycle")
        yield* instance.settled
        assert.include(yield* withClient(place, { privateKey }, "cat ~/file"), "No such file")
        assert.notDeepEqual(yield* instance.hostKeys, before)
      })
    )

    it.effect("gives its ports to the next one when it is gone, and nothing else", () =>
      Effect.gen(function* () {
        const { privateKey, publicKey } = yield* KeyPair.generate()
        const simulator = yield* Simulator.make({ delays, servers, publicKeys: [publicKey] })
        const first = yield* settledOne(simulator)
        yield* withClient(placeOf(first, "direct"), { privateKey }, "echo secret >~/file")
        const keys = yield* first.hostKeys
        yield* simulator.order(first.id, "destroy")
        assert.isFalse(Fs.existsSync(first.homeDir))
        const second = yield* settledOne(simulator)
        assert.deepStrictEqual([second.direct?.port, second.proxy?.port], [first.direct?.port, first.proxy?.port])
        assert.notDeepEqual(yield* second.hostKeys, keys)
        assert.include(yield* withClient(placeOf(second, "direct"), { privateKey }, "cat ~/file"), "No such file")
      })
    )

    it.effect("has run its start script, which failed for want of a token", () =>
      Effect.gen(function* () {
        const { privateKey, publicKey } = yield* KeyPair.generate()
        const simulator = yield* Simulator.make({ delays, servers, publicKeys: [publicKey] })
        const instance = yield* settledOne(simulator)
        const run = (command: string) => withClient(placeOf(instance, "direct"), { privateKey }, command)
        const workspace = servers === "openssh" ? "/workspace" : "~/workspace"
        const read = `for try in 1 2 3 4 5 6 7 8 9; do grep -q failed ${workspace}/provision_image.log && break; sleep 0.2; done; cat ${workspace}/provision_image.log`
        assert.match(yield* run(read), /\nERROR: HF_TOKEN is not set.*\nProvisioning failed with exit code 1\n$/)
        const again = yield* run(`cd ${workspace} && HF_TOKEN=x sh provision_image.sh && cat models/downloaded`)
        assert.match(again, /Provisioning complete!\ndone\n$/)
      })
    )

    it.effect("serves a port through a quick tunnel, as long as cloudflared lives", () =>
      Effect.gen(function* () {
        const { privateKey, publicKey } = yield* KeyPair.generate()
        const simulator = yield* Simulator.make({ delays, servers, publicKeys: [publicKey] })
        const instance = yield* settledOne(simulator)
        const run = (command: string) => withClient(placeOf(instance, "direct"), { privateKey }, command)
        const origin = yield* Effect.acquireRelease(
          Effect.callback<Http.Server>((resume) => {
            const server = Http.createServer((request, response) => void response.end(`origin ${request.url}`))
            server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
          }),
          (server) => Effect.sync(() => void server.close())
        )
        const bound = origin.address()
        const port = bound === null || typeof bound === "string" ? 0 : bound.port
        yield* run(`cloudflared tunnel --url http://localhost:${port} </dev/null >~/tunnel.log 2>&1 & echo $! >~/pid`)
        const log = yield* run(
          "for try in 1 2 3 4 5 6 7 8 9; do grep -q Registered ~/tunnel.log && break; sleep 0.5; done; cat ~/tunnel.log"
        )
        const url = /INF \|\s+(https:\/\/[a-z0-9-]+\.trycloudflare\.com)\s+\|/.exec(log)?.[1] ?? ""
        assert.match(log, /^\S+Z INF Requesting new quick Tunnel.*\n(.*\n)*.*ERR .*quic/)
        const client = Simulator.throughEdge(simulator)(yield* HttpClient.HttpClient)
        const ask = client
          .get(`${url}/page?a=b`)
          .pipe(Effect.flatMap((response) => Effect.map(response.text, (text) => `${response.status} ${text}`)))
        assert.strictEqual(yield* ask, "200 origin /page?a=b")
        const metrics = /metrics server on (\S+)\/metrics/.exec(log)?.[1] ?? ""
        const quick = yield* client.get(`http://${metrics}/quicktunnel`).pipe(Effect.flatMap(({ json }) => json))
        assert.deepStrictEqual(quick, { hostname: new URL(url).host })
        yield* run("kill $(cat ~/pid); while kill -0 $(cat ~/pid) 2>/dev/null; do sleep 0.1; done")
        assert.strictEqual(yield* ask, "530 error code: 1033")
        yield* simulator.edge.limit(true)
        assert.include(yield* run("cloudflared tunnel --url http://localhost:1"), "error code: 1015")
      }).pipe(Effect.provide(FetchHttpClient.layer))
    )

    it.effect("ends what its start script left running, when it is stopped and when it is gone", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.fork(yield* Effect.scope)
        const marker = Leaks.marker()
        const simulator = yield* Simulator.make({ delays, servers }).pipe(Scope.provide(scope))
        const onstart = `setsid sh -c 'sleep 600; :' ${marker} </dev/null >/dev/null 2>&1 &`
        const instance = yield* settledOne(simulator, { onstart })
        yield* Leaks.awaitProcesses(marker, 1)
        yield* simulator.order(instance.id, "stop")
        yield* Leaks.awaitProcesses(marker, 0)
        yield* simulator.order(instance.id, "start")
        yield* Leaks.awaitProcesses(marker, 1)
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(yield* Leaks.processes(marker), [])
      })
    )

    it.effect("is gone with its scope", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.fork(yield* Effect.scope)
        const simulator = yield* Simulator.make({ delays, servers }).pipe(Scope.provide(scope))
        const instance = yield* settledOne(simulator)
        yield* Scope.close(scope, Exit.void)
        assert.isFalse(Fs.existsSync(instance.homeDir))
        for (const port of [instance.direct?.port, instance.proxy?.port, Number(new URL(simulator.url).port)]) {
          assert.isTrue(yield* refuses(port ?? 0))
        }
      })
    )
  })
}

describeWith(["sshd", "private-accounts", "bash"], "an instance of the VastSimulator, as OpenSSH's server", () => {
  suite("openssh")

  it.layer(NodeServices.layer, { excludeTestServices: true })((it) => {
    it.effect("sends the vendor's banner before the login, and has one terminal for all interactive logins", () =>
      Effect.gen(function* () {
        const { privateKey, publicKey } = yield* KeyPair.generate()
        const simulator = yield* Simulator.make({ delays, publicKeys: [publicKey] })
        const instance = yield* settledOne(simulator)
        const banners: Array<string> = []
        const place = placeOf(instance, "direct")
        yield* withClient(place, { privateKey }, "true", (client) => client.on("banner", (text) => banners.push(text)))
        assert.match(banners.join(""), /^Welcome to vast\.ai\. .*\nHave fun!\n$/)
        if (find("tmux") === undefined) return
        // What a shell says that would have become a terminal of tmux's.
        const interactive = (before: string) => withClient(place, { privateKey }, `${before} bash -ic 'echo here' 2>&1`)
        assert.notInclude(yield* interactive("rm -f ~/.no_auto_tmux;"), "here")
        assert.include(yield* interactive("touch ~/.no_auto_tmux;"), "here")
      })
    )

    it.effect("has a /workspace of its own, or none", () =>
      Effect.gen(function* () {
        const { privateKey, publicKey } = yield* KeyPair.generate()
        const simulator = yield* Simulator.make({ delays, publicKeys: [publicKey] })
        const run = Effect.fnUntraced(function* (spec: Simulator.InstanceSpec) {
          const instance = yield* settledOne(simulator, spec)
          return yield* withClient(
            placeOf(instance, "direct"),
            { privateKey },
            "ls -d /workspace ~/workspace 2>/dev/null"
          )
        })
        assert.strictEqual(yield* run({}), "/workspace\n")
        assert.match(yield* run({ workspace: "home" }), /^\/\S+\/root\/workspace\n$/)
        assert.isFalse(Fs.existsSync("/workspace"))
      })
    )
  })
})

describe("an instance of the VastSimulator, in process", () => {
  suite("in-process")
})
