import { Effect, Option, Result, Schema, Stream } from "effect"
import { Instance } from "../Instance.ts"
import * as VastError from "../VastError.ts"
import type { CopyAddress, CopyEnd, InstanceCalls, LogOptions } from "./calls.ts"
import { type Asked, decode } from "./answer.ts"
import { orNull } from "./field.ts"
import { awaitText } from "./resultFile.ts"
import * as sharedLook from "./sharedLook.ts"
import type { ApiRequest, Transport } from "./transport.ts"

const pageSize = 25
const maxPages = 400

const Page = Schema.Struct({ instances: Schema.Array(Instance), next_token: orNull(Schema.String) })

const invalid = (asked: Asked, path: string, detail: string): VastError.VastError =>
  VastError.make(new VastError.InvalidResponse({ call: asked.call, path, detail }))

/** Page after page. What a page says of the next one is not believed without end. */
const pagesOf = (transport: Transport): Stream.Stream<ReadonlyArray<Instance>, VastError.VastError> =>
  Stream.suspend(() => {
    const found = new Set<number>()
    const tokens = new Set<string>()
    return Stream.paginate(Option.none<string>(), (after) =>
      Effect.gen(function* () {
        const request: ApiRequest = {
          method: "GET",
          path: "/api/v1/instances/",
          query: {
            limit: String(pageSize),
            order_by: JSON.stringify([{ col: "id", dir: "asc" }]),
            select_filters: "{}",
            ...(Option.isNone(after) ? {} : { after_token: after.value })
          },
          isIdempotent: true
        }
        const asked = transport.askedOf(request)
        const { instances, next_token: token } = yield* transport.decoded(request, Page)
        if (instances.length > pageSize) {
          return yield* invalid(asked, "instances", `a page holds more than the ${pageSize} that were asked for`)
        }
        const fresh = instances.filter(({ id }) => !found.has(id))
        for (const { id } of fresh) found.add(id)
        if (token === null || token === "") return [[fresh], Option.none()] as const
        if (tokens.has(token)) return yield* invalid(asked, "next_token", "the cursor repeats")
        if (fresh.length === 0) {
          return yield* invalid(asked, "next_token", "a page brings nothing new and names another")
        }
        if (tokens.size >= maxPages) return yield* invalid(asked, "next_token", `there are more than ${maxPages} pages`)
        tokens.add(token)
        return [[fresh], Option.some(Option.some(token))] as const
      })
    )
  })

const Shown = Schema.Struct({ instances: Schema.Unknown })

/** One instance, from an answer that holds it, null when it is gone, or a list of one. */
const shown = (asked: Asked, id: number, body: unknown): Result.Result<Instance, VastError.VastError> => {
  const gone = VastError.make(
    new VastError.NotFound({ call: asked.call, what: asked.what ?? "such instance", detail: "it is gone" })
  )
  const outer = decode(asked, Shown, body)
  if (Result.isFailure(outer)) return Result.fail(VastError.make(outer.failure))
  const { instances } = outer.success
  const one: unknown = Array.isArray(instances) ? (instances.length === 1 ? instances[0] : null) : instances
  if (Array.isArray(instances) && instances.length > 1) {
    return Result.fail(invalid(asked, "instances", "there are several"))
  }
  if (one === null) return Result.fail(gone)
  const at = Array.isArray(instances) ? ["instances", "0"] : ["instances"]
  const instance = Result.mapError(decode(asked, Instance, one, at), VastError.make)
  return Result.isSuccess(instance) && instance.success.id !== id
    ? Result.fail(invalid(asked, [...at, "id"].join("."), "it is another instance"))
    : instance
}

const WithResult = Schema.Struct({ result_url: Schema.String, writeable_path: orNull(Schema.String) })
const CopyStarted = Schema.Struct({ dst_addr: Schema.String, dst_port: Schema.Int })

const isDestroyed = ({ reason }: VastError.VastError): boolean => reason._tag === "NotFound"

const about = (id: number) => ({ id, what: `instance ${id}` })

export const make = (transport: Transport): Omit<InstanceCalls, "create"> => {
  const change = (id: number, body: Readonly<Record<string, unknown>>) =>
    transport.json({ method: "PUT", path: "/api/v0/instances/{id}/", ...about(id), body, isIdempotent: true })

  // To restart twice is not the same as to restart once: what comes in between is lost.
  const restart = (id: number, path: string) =>
    transport.json({ method: "PUT", path, ...about(id), body: {}, isIdempotent: false })

  const resultOf = (request: ApiRequest, timeout: LogOptions["timeout"] = "30 seconds") =>
    Effect.gen(function* () {
      const { result_url, writeable_path } = yield* transport.decoded(request, WithResult)
      const text = yield* awaitText(transport, transport.askedOf(request).call, result_url, timeout)
      // Paths in the text are the machine's own, which mean nothing inside of the instance.
      return writeable_path === null || writeable_path === "" ? text : text.replaceAll(writeable_path, "")
    })

  const show: InstanceCalls["show"] = (id) => {
    const request: ApiRequest = { method: "GET", path: "/api/v0/instances/{id}/", ...about(id), isIdempotent: true }
    return Effect.flatMap(transport.json(request), (body) =>
      Effect.fromResult(shown(transport.askedOf(request), id, body))
    )
  }
  const pages = pagesOf(transport)

  return {
    list: Effect.map(Stream.runCollect(pages), (all) => all.flat()),
    show,
    look: sharedLook.make(show, pages),
    start: (id) => Effect.asVoid(change(id, { state: "running" })),
    stop: (id) => Effect.asVoid(change(id, { state: "stopped" })),
    label: (id, label) => Effect.asVoid(change(id, { label })),
    reboot: (id) => Effect.asVoid(restart(id, "/api/v0/instances/reboot/{id}/")),
    recycle: (id) => Effect.asVoid(restart(id, "/api/v0/instances/recycle/{id}/")),
    destroy: (id) =>
      transport
        .json({ method: "DELETE", path: "/api/v0/instances/{id}/", ...about(id), body: {}, isIdempotent: true })
        .pipe(
          Effect.as("destroyed" as const),
          Effect.catchIf(isDestroyed, () => Effect.succeed("already-gone" as const))
        ),
    logs: (id, options = {}) =>
      resultOf(
        {
          method: "PUT",
          path: "/api/v0/instances/request_logs/{id}/",
          ...about(id),
          body: {
            tail: String(options.tail ?? 1000),
            ...(options.filter === undefined ? {} : { filter: options.filter }),
            ...(options.daemon === true ? { daemon_logs: "true" } : {})
          },
          isIdempotent: true
        },
        options.timeout
      ),
    execute: (id, command) =>
      resultOf({
        method: "PUT",
        path: "/api/v0/instances/command/{id}/",
        ...about(id),
        body: { command },
        isIdempotent: false
      }),
    copy: (from, to) =>
      Effect.asVoid(
        transport.json({
          method: "PUT",
          path: "/api/v0/commands/copy_direct/",
          body: {
            client_id: "me",
            src_id: idOf(from),
            dst_id: idOf(to),
            src_path: from.path,
            dst_path: to.path
          },
          isIdempotent: false
        })
      ),
    copyAddress: (path, to) =>
      Effect.map(
        transport.decoded(
          {
            method: "PUT",
            path: "/api/v0/commands/rsync/",
            ...about(to.instance),
            body: { client_id: "me", src_id: null, dst_id: String(to.instance), src_path: path, dst_path: to.path },
            isIdempotent: false
          },
          CopyStarted
        ),
        ({ dst_addr, dst_port }): CopyAddress => ({ host: dst_addr.trim(), port: dst_port })
      )
  }
}

const idOf = (end: CopyEnd): string => `C.${end.instance}`
