/**
 * The simulator's HTTP side: who may call, how often, what goes wrong on demand, and which endpoint answers.
 *
 * It is an `HttpApi`, and its handlers answer in bytes. The service's bodies could not be encoded from a schema of success
 * and one of errors: what an endpoint answers depends on the day (a key list as an array or wrapped in an object, an instance
 * in a list or not, JSON as a string within JSON, `null` for what is gone), and a refusal comes as any of several shapes of
 * JSON, as plain text or as a gateway's HTML, with one status for several of them. Nor is a request decoded before the
 * handler: that it is no JSON is told in the service's words, and only to who may call and does not call too often.
 */
import { NodeHttpServer, NodeHttpServerRequest } from "@effect/platform-node"
import { Effect, Layer, Schema } from "effect"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { HttpRouter, type HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import type { LabError } from "../../LabError.ts"
import { type Answer, json, refuse } from "./answer.ts"
import * as AccountEndpoints from "./accountEndpoints.ts"
import type { Call, Endpoint } from "./call.ts"
import { now } from "./clock.ts"
import { answerOf, type Failure, forbidden, tooFrequent, wrongKey } from "./failure.ts"
import * as InstanceEndpoints from "./instanceEndpoints.ts"
import type { ApiKeyRecord, World } from "./world.ts"

/**
 * A request that the simulator got. `endpoint` is the path without ids, such as `GET /api/v0/instances/{id}/`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Received {
  readonly endpoint: string
  readonly path: string
  readonly body: unknown
  readonly status: number
  /** Milliseconds since 1970. */
  readonly at: number
}

export interface Options {
  /** The least time between two calls of an endpoint, in milliseconds. */
  readonly interval: (endpoint: string) => number
  /** Takes the failure that is due at the endpoint. */
  readonly failureOf: (endpoint: string) => Failure | undefined
  readonly note: (received: Received) => void
  /** Called after each call that may have changed something, before it is answered. */
  readonly save: Effect.Effect<void, LabError>
}

const endpoints: ReadonlyArray<Endpoint> = [...AccountEndpoints.endpoints, ...InstanceEndpoints.endpoints]

const describe = ({ name }: Endpoint) => {
  const [method = "GET", path = "/"] = name.split(" ")
  return HttpApiEndpoint.make(method as "GET" | "POST" | "PUT" | "DELETE")(
    // what the lists above have
    name,
    path.replaceAll(/\{(\w+)\}/g, ":$1") as `/${string}`, // likewise
    { success: Schema.Unknown }
  )
}

const [first, ...others] = endpoints.map(describe)
if (first === undefined) throw new Error("the simulator has no endpoints")

/** The endpoints by their names. */
const Api = HttpApi.make("vast").add(HttpApiGroup.make("service").add(first, ...others))

const respond = (answer: Answer): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(answer.body, { status: answer.status, contentType: answer.contentType })

const Body = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))

/** Whether this key may make the call. */
const isAllowed = (key: ApiKeyRecord, endpoint: string, id: number): boolean => {
  if (key.rights === "all") return true
  if (key.rights === "read") return endpoint.startsWith("GET ") || endpoint.endsWith("/bundles/")
  return endpoint.endsWith("/instances/{id}/") && id === key.rights.instance
}

const cut = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<never> =>
  Effect.andThen(
    Effect.sync(() => void NodeHttpServerRequest.toIncomingMessage(request).socket.destroy()),
    Effect.never
  )

/** Answers requests from now on. */
export const serve = Effect.fnUntraced(function* (
  http: HttpServer.HttpServer["Service"],
  world: World,
  options: Options
) {
  /** When each key called each endpoint last. */
  const lastCalls = new Map<string, number>()

  const handle = (endpoint: Endpoint) =>
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const params = yield* HttpRouter.params
      const query = yield* HttpServerRequest.ParsedSearchParams
      const written = yield* Effect.orElseSucceed(request.text, () => "")
      const body =
        written === "" ? {} : yield* Schema.decodeEffect(Body)(written).pipe(Effect.orElseSucceed(() => undefined))
      const at = yield* now

      const answer = Effect.gen(function* (): Effect.fn.Return<Answer, LabError> {
        const failure = options.failureOf(endpoint.name)
        const isLate = failure === "done-and-cut" || failure === "done-and-bad-gateway" || failure === "billed"
        if (failure !== undefined && !isLate) {
          const refusal = answerOf(failure)
          if (refusal !== undefined) return refusal
          return yield* failure === "silence" ? Effect.never : cut(request)
        }
        const token = /^Bearer (\S+)$/.exec(request.headers["authorization"] ?? "")?.[1] ?? query["api_key"]
        const by = typeof token === "string" ? world.apiKeys.get(token) : undefined
        if (by === undefined && endpoint.isOpen !== true) return wrongKey(endpoint.name.includes("/v1/") ? 401 : 404)
        const identity = `${by?.id ?? request.remoteAddress} ${endpoint.name}`
        const early = at - (lastCalls.get(identity) ?? -Infinity) < options.interval(endpoint.name)
        lastCalls.set(identity, at)
        if (early) return tooFrequent(options.interval(endpoint.name) / 1000)
        if (body === undefined) return refuse(400, "invalid_args", "The body is not a JSON object.")
        if (by !== undefined && !isAllowed(by, endpoint.name, Number(params["id"]))) return forbidden
        const call: Call = { world, params, query, body, by, isBilled: failure === "billed" }
        const result = endpoint.answer(call)
        const answered = Effect.isEffect(result) ? yield* result : result
        if (!endpoint.name.startsWith("GET ")) yield* options.save
        if (failure === "done-and-cut") return yield* cut(request)
        return (failure === "done-and-bad-gateway" ? answerOf(failure) : undefined) ?? answered
      })
      const path = request.url.split("?", 1).join("")
      const note = (status: number) =>
        Effect.sync(() => options.note({ endpoint: endpoint.name, path, body, status, at }))
      return yield* answer.pipe(
        Effect.tap(({ status }) => note(status)),
        Effect.onInterrupt(() => note(0)),
        Effect.map(respond),
        Effect.catch((error) =>
          Effect.succeed(respond(json({ success: false, error: "simulator", msg: error.message }, 500)))
        )
      )
    })

  const handlers = HttpApiBuilder.group(Api, "service", (group) =>
    group.handleAll(Object.fromEntries(endpoints.map((endpoint) => [endpoint.name, () => handle(endpoint)])))
  )
  const elsewhere = HttpRouter.use((router) =>
    Effect.gen(function* () {
      const result = Effect.flatMap(HttpRouter.params, ({ name = "" }) =>
        Effect.map(world.results.answer(name), respond)
      )
      yield* router.add("GET", "/s3/instance_logs/:name", result)
      yield* router.add("*", "*", respond(refuse(404, "not_found", "There is no such endpoint.")))
    })
  )
  const routes = Layer.mergeAll(HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }), elsewhere).pipe(
    Layer.provide(handlers),
    Layer.provide(NodeHttpServer.layerHttpServices)
  )
  const app = yield* HttpRouter.toHttpEffect(routes).pipe(
    Effect.provideService(HttpRouter.RouterConfig, { ignoreTrailingSlash: true, maxParamLength: 1000 })
  )
  yield* http.serve(app)
})
