/** The API served on a free port of the loopback, over sessions in memory that no machine is needed for. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, Effect, Layer, Option, Redacted } from "effect"
import { FetchHttpClient, HttpServer } from "effect/http"
import * as BootstrapError from "@toehold/bootstrap-service/BootstrapError"
import * as Database from "@toehold/bootstrap-service/Database"
import * as MemoryStore from "@toehold/bootstrap-service/MemoryStore"
import { Sessions } from "@toehold/bootstrap-service/Sessions"
import { SessionStore } from "@toehold/bootstrap-service/SessionStore"
import * as Http from "node:http"
import * as ApiTokens from "../../src/ApiTokens.ts"
import * as MachineCatalog from "../../src/MachineCatalog.ts"
import * as ServiceLog from "../../src/ServiceLog.ts"
import * as SessionApiClient from "../../src/SessionApiClient.ts"
import * as SessionServer from "../../src/SessionServer.ts"

/** Sessions that stay in `creating` until the test changes them in the store. */
export const idleSessions: Layer.Layer<Sessions, never, SessionStore> = Layer.effect(
  Sessions,
  Effect.map(SessionStore, (store) => {
    const change = Effect.fnUntraced(function* (id: string, ifStatus: "error" | "creating", to: "creating" | "error") {
      const changed = yield* store.update(id, { status: to, message: `now ${to}` }, { ifStatus })
      if (Option.isSome(changed)) return changed.value
      const { status } = yield* store.get(id)
      return yield* BootstrapError.make(new BootstrapError.WrongStatus({ id, status, action: "retry" }))
    })
    return Sessions.of({
      create: (session) => store.create(session),
      retry: (id) => change(id, "error", "creating"),
      abort: (id) => change(id, "creating", "error"),
      archive: (id) => Effect.andThen(store.update(id, { status: "archived", message: "archived" }), store.get(id)),
      remove: (id) => store.remove(id),
      settled: (id) => store.waitFor(id, ({ status }) => status !== "creating")
    })
  })
)

export const catalog = MachineCatalog.layer({
  machines: {
    web: { target: "local:", ip: "127.0.0.1" },
    vm: { target: "local:" },
    secret: { target: "local:", owners: ["alice"] }
  }
})

export interface Served {
  readonly url: string
  /** The lines of the server's log. */
  readonly log: ReadonlyArray<string>
  readonly store: SessionStore["Service"]
  readonly tokens: ApiTokens.ApiTokens["Service"]
  /** The text of a new token. */
  readonly token: (owner: string, scopes?: ReadonlyArray<ApiTokens.Scope>) => Effect.Effect<string>
  /** A client with a token of its own. */
  readonly client: (owner: string) => Effect.Effect<SessionApiClient.SessionApiClient["Service"]>
}

/** Serves until the scope closes. */
export const serve = Effect.fnUntraced(function* (options: Partial<SessionServer.Options> = {}) {
  const log: Array<string> = []
  const parts = Layer.mergeAll(
    Layer.provideMerge(idleSessions, MemoryStore.layer),
    Layer.provide(ApiTokens.layer, Database.layer(Database.sqlite(":memory:"))),
    catalog,
    ServiceLog.layer((line) => void log.push(line)),
    NodeHttpServer.layer(() => Http.createServer(), { port: 0, host: "127.0.0.1" })
  )
  const context = yield* Layer.build(Layer.provideMerge(SessionServer.layer({ version: "1.2.3", ...options }), parts))
  const tokens = Context.get(context, ApiTokens.ApiTokens)
  const url = HttpServer.formatAddress(Context.get(context, HttpServer.HttpServer).address)
  const token: Served["token"] = (owner, scopes) =>
    tokens.create({ name: owner, scopes }).pipe(
      Effect.orDie,
      Effect.map(({ text }) => Redacted.value(text))
    )
  const client: Served["client"] = (owner) =>
    Effect.flatMap(token(owner), (text) => SessionApiClient.make({ url, token: Redacted.make(text) })).pipe(
      Effect.orDie,
      Effect.provide(FetchHttpClient.layer)
    )
  return { url, log, tokens, token, client, store: Context.get(context, SessionStore) } satisfies Served
})

/** An answer, read whole. */
export interface Answer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly text: string
}

export interface AskOptions {
  readonly method?: string
  readonly token?: string | undefined
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** One raw request. */
export const ask = (url: string, { body, headers, method, token }: AskOptions = {}): Effect.Effect<Answer> =>
  Effect.promise(async (signal) => {
    const answer = await fetch(url, {
      signal,
      method: method ?? (body === undefined ? "GET" : "POST"),
      ...(body === undefined ? {} : { body }),
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers
      }
    })
    return { status: answer.status, headers: new Map(answer.headers), text: await answer.text() }
  })

export interface Refused {
  readonly error: { readonly reason: string; readonly message: string; readonly fix: string; readonly details: unknown }
}

export const jsonOf = <A>({ text }: Answer): A => JSON.parse(text) as A // what the test says it is
