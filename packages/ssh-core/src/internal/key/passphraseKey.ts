/**
 * Keys derived from a passphrase. The cost stands in the file, so it is bounded before any work is done, and the work
 * leaves the event loop free.
 */
import { Effect, Result } from "effect"
import * as Crypto from "node:crypto"
import { attempt, type Fault, type Read, unreadable, unsupported } from "./fault.ts"

/** `ssh-keygen -a` is 16 or 24 by default; 2048 rounds take about half a minute here. */
const maxBcryptRounds = 2048

interface BcryptLibrary {
  /** The inner hash: two SHA-512 digests in, 32 bytes into `out`. */
  readonly hash: (sha512Pass: Uint8Array, sha512Salt: Uint8Array, out: Uint8Array) => void
  /** The whole of it in one go. */
  readonly pbkdf: (
    pass: Uint8Array,
    passLength: number,
    salt: Uint8Array,
    saltLength: number,
    key: Uint8Array,
    keyLength: number,
    rounds: number
  ) => number
}

/** Loaded when it is needed: most keys aren't encrypted. */
export const bcryptLibrary = Effect.promise(
  // @ts-expect-error The library has no declarations, and an ambient one wouldn't reach the packages that import this.
  (): Promise<{ readonly default: BcryptLibrary }> => import("bcrypt-pbkdf")
)

/**
 * bcrypt_pbkdf as OpenSSH uses it (OpenBSD's bcrypt_pbkdf.c). `bcrypt-pbkdf` has the whole loop too, but runs it in one
 * go: a quarter of a second at the default of `ssh-keygen`, in which no other fiber would run and nothing could interrupt.
 */
export const bcrypt = Effect.fnUntraced(function* (options: {
  readonly passphrase: Uint8Array
  readonly salt: Uint8Array
  readonly rounds: number
  readonly length: number
}) {
  const { length, passphrase, rounds, salt } = options
  if (!Number.isInteger(rounds) || rounds < 1 || salt.length === 0) {
    return yield* Effect.fail(unreadable("its bcrypt parameters are not valid"))
  }
  if (rounds > maxBcryptRounds) {
    return yield* Effect.fail(unsupported(`bcrypt with ${rounds} rounds (at most ${maxBcryptRounds})`))
  }
  const { default: library } = yield* bcryptLibrary
  const pass = sha512(passphrase)
  const stride = Math.ceil(length / 32)
  const perBlock = Math.ceil(length / stride)
  const key = new Uint8Array(length)
  for (let block = 0; block < stride; block++) {
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(block + 1)
    const hash = new Uint8Array(32)
    library.hash(pass, sha512(salt, counter), hash)
    const sum = Uint8Array.from(hash)
    for (let round = 1; round < rounds; round++) {
      yield* Effect.yieldNow
      library.hash(pass, sha512(hash), hash)
      for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) ^ (hash[i] ?? 0)
    }
    for (let i = 0; i < perBlock && i * stride + block < length; i++) key[i * stride + block] = sum[i] ?? 0
  }
  return key
})

const sha512 = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const hash = Crypto.createHash("sha512")
  for (const part of parts) hash.update(part)
  return hash.digest()
}

export interface Argon2Options {
  readonly flavour: "argon2d" | "argon2i" | "argon2id"
  readonly passphrase: Uint8Array
  readonly salt: Uint8Array
  /** KiB */
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
  readonly length: number
}

/** PuTTY's default is 8 MiB, with as many passes as take 0.1 s. */
const argon2Limits = { memoryKiB: 512 * 1024, totalKiB: 4 * 1024 * 1024, parallelism: 255 }

const argon2Bounded = (options: Argon2Options): Read<void> => {
  const { memory, parallelism, passes, salt } = options
  if (passes < 1 || parallelism < 1 || memory < 8 * parallelism || salt.length < 8) {
    return Result.fail(unreadable("its Argon2 parameters are not valid"))
  }
  return memory > argon2Limits.memoryKiB ||
    memory * passes > argon2Limits.totalKiB ||
    parallelism > argon2Limits.parallelism
    ? Result.fail(
        unsupported(
          `Argon2 with ${passes} passes over ${memory} KiB in ${parallelism} lanes (at most ${argon2Limits.memoryKiB} KiB, ` +
            `${argon2Limits.totalKiB} KiB over all passes, ${argon2Limits.parallelism} lanes)`
        )
      )
    : Result.succeed(undefined)
}

/** Argon2 version 1.3 (RFC 9106). Node has it since 24.7 where its OpenSSL does, and is about ten times as fast. */
export const argon2 = Effect.fnUntraced(function* (options: Argon2Options) {
  yield* Effect.fromResult(argon2Bounded(options))
  return yield* typeof Crypto.argon2 === "function" ? argon2Native(options) : argon2Portable(options)
})

const argon2Native = (options: Argon2Options): Effect.Effect<Uint8Array, Fault> =>
  Effect.callback((resume) => {
    const started = attempt(unsupported("Argon2 (this Node.js was built without it)"), () => {
      Crypto.argon2(
        options.flavour,
        {
          message: options.passphrase,
          nonce: options.salt,
          memory: options.memory,
          passes: options.passes,
          parallelism: options.parallelism,
          tagLength: options.length
        },
        (error, key) =>
          resume(error === null ? Effect.succeed(key) : Effect.fail(unreadable("its Argon2 parameters are not valid")))
      )
    })
    if (Result.isFailure(started)) resume(argon2Portable(options))
  })

/** For a Node without Argon2. */
export const argon2Portable = (options: Argon2Options): Effect.Effect<Uint8Array, Fault> =>
  Effect.tryPromise({
    try: async () => {
      const { argon2dAsync, argon2iAsync, argon2idAsync } = await import("@noble/hashes/argon2.js")
      const derive = { argon2d: argon2dAsync, argon2i: argon2iAsync, argon2id: argon2idAsync }[options.flavour]
      return await derive(options.passphrase, options.salt, {
        m: options.memory,
        t: options.passes,
        p: options.parallelism,
        dkLen: options.length
      })
    },
    catch: () => unreadable("its Argon2 parameters are not valid")
  })

const maxPbkdf2Iterations = 10_000_000

export const pbkdf2 = (options: {
  readonly passphrase: Uint8Array
  readonly salt: Uint8Array
  readonly iterations: number
  readonly digest: string
  readonly length: number
}): Effect.Effect<Uint8Array, Fault> => {
  const { digest, iterations, length, passphrase, salt } = options
  if (iterations < 1) return Effect.fail(unreadable("its PBKDF2 parameters are not valid"))
  if (iterations > maxPbkdf2Iterations) {
    return Effect.fail(unsupported(`PBKDF2 with ${iterations} iterations (at most ${maxPbkdf2Iterations})`))
  }
  return derived("its PBKDF2 parameters are not valid", (done) =>
    Crypto.pbkdf2(passphrase, salt, iterations, length, digest, done)
  )
}

const maxScryptBytes = 1024 ** 3

export const scrypt = (options: {
  readonly passphrase: Uint8Array
  readonly salt: Uint8Array
  readonly cost: number
  readonly blockSize: number
  readonly parallelism: number
  readonly length: number
}): Effect.Effect<Uint8Array, Fault> => {
  const { blockSize, cost, length, parallelism, passphrase, salt } = options
  const bytes = 128 * cost * blockSize
  if (bytes * parallelism > maxScryptBytes) {
    return Effect.fail(unsupported(`scrypt with N=${cost}, r=${blockSize}, p=${parallelism}`))
  }
  return derived("its scrypt parameters are not valid", (done) =>
    Crypto.scrypt(
      passphrase,
      salt,
      length,
      // Node wants more than the 128 * N * r of the algorithm itself.
      { cost, blockSize, parallelization: parallelism, maxmem: 2 * bytes + 1024 ** 2 },
      done
    )
  )
}

/** One of Node's key derivations, run in its thread pool. */
const derived = (
  detail: string,
  start: (done: (error: Error | null, key: Uint8Array) => void) => void
): Effect.Effect<Uint8Array, Fault> =>
  Effect.callback((resume) => {
    const started = attempt(unreadable(detail), () =>
      start((error, key) => resume(error === null ? Effect.succeed(key) : Effect.fail(unreadable(detail))))
    )
    if (Result.isFailure(started)) resume(Effect.fail(started.failure))
  })
