/**
 * The server's side of SOCKS 5 (RFC 1928) without authentication, and of SOCKS 4 and 4a: what a client asks to be
 * connected to, and the answers.
 */
import { Effect, Option, Result } from "effect"
import type { Duplex } from "node:stream"
import type { SshError } from "../../SshError.ts"
import type { Address } from "../streamEnd.ts"

export interface Request {
  readonly version: 4 | 5
  readonly to: Extract<Address, { readonly host: string }>
}

/** A client that can't be served, and the last thing to tell it. */
export interface Fault {
  readonly _tag: "Fault"
  readonly detail: string
  readonly reply: Uint8Array
}

/** What has been read, and how many bytes of the input it took; `undefined` as long as more must come. */
type Read<A> = Result.Result<{ readonly value: A; readonly length: number } | undefined, Fault>

const fault = (detail: string, ...reply: ReadonlyArray<number>): Result.Result<never, Fault> =>
  Result.fail({ _tag: "Fault", detail, reply: Uint8Array.from(reply) })

const socks5Reply = (code: number): ReadonlyArray<number> => [5, code, 0, 1, 0, 0, 0, 0, 0, 0]
const socks4Reply = (code: number): ReadonlyArray<number> => [0, code, 0, 0, 0, 0, 0, 0]

const noAuthentication = 0
const connect = 1

/** Which version is spoken; for SOCKS 5 with the methods to authenticate that are offered. */
export const readGreeting = (input: Uint8Array): Read<4 | 5> => {
  const [version, count] = input
  if (version === undefined) return Result.succeed(undefined)
  if (version === 4) return Result.succeed({ value: 4, length: 0 })
  if (version !== 5) return fault("it does not speak SOCKS")
  if (count === undefined || input.length < 2 + count) return Result.succeed(undefined)
  if (!input.subarray(2, 2 + count).includes(noAuthentication)) {
    return fault("it wants to authenticate, which this proxy does not do", 5, 0xff)
  }
  return Result.succeed({ value: 5, length: 2 + count })
}

const ipv6 = (bytes: Uint8Array): string =>
  Array.from({ length: 8 }, (_, at) => (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16)).join(":")

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const portAt = (input: Uint8Array, at: number): number => ((input[at] ?? 0) << 8) | (input[at + 1] ?? 0)

/** RFC 1928, section 4. */
const readSocks5 = (input: Uint8Array): Read<Request["to"]> => {
  const [version, command, , type, first] = input
  if (type === undefined || first === undefined) return Result.succeed(undefined)
  if (version !== 5) return fault("it does not speak SOCKS 5", ...socks5Reply(1))
  if (command !== connect) return fault("it asks for something other than a connection", ...socks5Reply(7))
  const [start, size] = type === 1 ? [4, 4] : type === 4 ? [4, 16] : [5, first]
  if (type !== 1 && type !== 3 && type !== 4) return fault("its kind of address is unknown", ...socks5Reply(8))
  const length = start + size + 2
  if (input.length < length) return Result.succeed(undefined)
  const name = input.subarray(start, start + size)
  const host = type === 1 ? name.join(".") : type === 4 ? ipv6(name) : text(name)
  if (host === "") return fault("it asks for a host without a name", ...socks5Reply(1))
  return Result.succeed({ value: { host, port: portAt(input, start + size) }, length })
}

/** Longer than any user's or host's name. */
const maxText = 255

/** A text that ends with a zero byte. */
const readText = (input: Uint8Array, start: number): Read<string> => {
  const end = input.subarray(start, start + maxText + 1).indexOf(0)
  if (end !== -1) return Result.succeed({ value: text(input.subarray(start, start + end)), length: start + end + 1 })
  return input.length > start + maxText
    ? fault("a name in its request is too long", ...socks4Reply(91))
    : Result.succeed(undefined)
}

/** An address 0.0.0.x stands for a name after the user's (SOCKS 4a). */
const readSocks4 = (input: Uint8Array): Read<Request["to"]> =>
  Result.gen(function* () {
    if (input.length < 8) return undefined
    if (input[1] !== connect) return yield* fault("it asks for something other than a connection", ...socks4Reply(91))
    const user = yield* readText(input, 8)
    if (user === undefined) return undefined
    const address = input.subarray(4, 8)
    const port = portAt(input, 2)
    const isName = address[0] === 0 && address[1] === 0 && address[2] === 0 && address[3] !== 0
    if (!isName) return { value: { host: address.join("."), port }, length: user.length }
    const host = yield* readText(input, user.length)
    if (host?.value === "") return yield* fault("it asks for a host without a name", ...socks4Reply(91))
    return host && { value: { host: host.value, port }, length: host.length }
  })

/** What the client wants to be connected to. */
export const readRequest = (version: 4 | 5, input: Uint8Array): Read<Request["to"]> =>
  version === 5 ? readSocks5(input) : readSocks4(input)

const granted = 90
const rejected = 91

/** The reply to a client that is connected now. */
export const connectedReply = (version: 4 | 5): Uint8Array =>
  Uint8Array.from(version === 5 ? socks5Reply(0) : socks4Reply(granted))

/** The reply to a client whose wish could not be fulfilled, with the reason where the protocol has one. */
export const failedReply = (version: 4 | 5, { reason }: SshError): Uint8Array => {
  if (version === 4) return Uint8Array.from(socks4Reply(rejected))
  const detail = "detail" in reason && typeof reason.detail === "string" ? reason.detail : ""
  if (reason._tag === "ConnectionRefused" || /refused/i.test(detail)) return Uint8Array.from(socks5Reply(5))
  if (/does not allow/.test(detail)) return Uint8Array.from(socks5Reply(2))
  if (/network is unreachable/i.test(detail)) return Uint8Array.from(socks5Reply(3))
  return Uint8Array.from(socks5Reply(reason._tag === "ChannelRefused" ? 4 : 1))
}

/** The longest greeting and the longest request. */
const maxInput = 1024

/**
 * Reads what `parse` takes from the stream and leaves the rest in it; nothing for a client that ends before.
 */
const take = <A>(stream: Duplex, parse: (input: Uint8Array) => Read<A>): Effect.Effect<Option.Option<A>, Fault> =>
  Effect.callback<Option.Option<A>, Fault>((resume) => {
    let input = Buffer.alloc(0)
    const settle = (result: Effect.Effect<Option.Option<A>, Fault>): void => {
      stream.off("readable", onReadable).off("end", onOver).off("close", onOver).off("error", onOver)
      resume(result)
    }
    const onReadable = (): void => {
      const chunk: Buffer | null = stream.read()
      if (chunk === null) return
      input = Buffer.concat([input, chunk])
      const read = parse(input)
      if (Result.isFailure(read)) return settle(Effect.fail(read.failure))
      if (read.success !== undefined) {
        const { length, value } = read.success
        stream.off("readable", onReadable)
        if (length < input.length) stream.unshift(input.subarray(length))
        return settle(Effect.succeedSome(value))
      }
      if (input.length > maxInput)
        settle(Effect.fail({ _tag: "Fault", detail: "its request is too long", reply: new Uint8Array() }))
    }
    const onOver = (): void => settle(Effect.succeedNone)
    stream.on("readable", onReadable).on("end", onOver).on("close", onOver).on("error", onOver)
    onReadable()
    return Effect.sync(() => settle(Effect.succeedNone))
  })

/** Talks to a client up to its request; nothing for one that ends before. */
export const negotiate = (stream: Duplex): Effect.Effect<Option.Option<Request>, Fault> =>
  Effect.gen(function* () {
    const version = yield* take(stream, readGreeting)
    if (Option.isNone(version)) return Option.none()
    if (version.value === 5) stream.write(Uint8Array.of(5, noAuthentication))
    const to = yield* take(stream, (input) => readRequest(version.value, input))
    return Option.map(to, (to) => ({ version: version.value, to }))
  })
