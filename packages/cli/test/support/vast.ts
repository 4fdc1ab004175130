/** A Vast.ai of its own for a file of tests, and the program with its key. */
import { NodeServices } from "@effect/platform-node"
import { Context, Effect, FileSystem, Layer, Redacted } from "effect"
import * as Os from "node:os"
import * as KeyPair from "@toehold/lab/KeyPair"
import * as Simulator from "@toehold/lab/VastSimulator"
import { type Options, type Ran, toehold } from "./program.ts"

/** What the tests look for where it must not be. */
export const planted = "planted-secret-5f1d9c"

export class VastLab extends Context.Service<
  VastLab,
  {
    readonly simulator: Simulator.VastSimulator["Service"]
    readonly folder: string
    readonly knownHosts: string
    /** A key that the account has, and its public half. */
    readonly keyFile: string
    readonly publicKey: string
    readonly env: Readonly<Record<string, string>>
    /** Nothing of this machine's own: no configuration, no known hosts, and the key. */
    readonly login: ReadonlyArray<string>
    readonly run: (words: ReadonlyArray<string>, options?: Options) => Effect.Effect<Ran>
  }
>()("test/VastLab") {}

const quick = { status: 5, load: 5, ssh: 5, keys: 5, results: 5 }

export const layerWith = (options: Simulator.Options = {}) =>
  Layer.effect(
    VastLab,
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped({ directory: Os.tmpdir(), prefix: "toehold-vast-" })
      const { privateKey, publicKey } = yield* KeyPair.generate()
      const keyFile = `${folder}/id_vast`
      yield* fs.writeFileString(keyFile, privateKey, { mode: 0o600 })
      yield* fs.writeFileString(`${keyFile}.pub`, publicKey)
      const simulator = yield* Simulator.make({ delays: quick, publicKeys: [publicKey], ...options })
      const env = { VAST_API_KEY: Redacted.value(simulator.apiKey), VAST_URL: simulator.url }
      const knownHosts = `${folder}/known_hosts`
      return VastLab.of({
        simulator,
        folder,
        knownHosts,
        keyFile,
        publicKey,
        env,
        login: ["-F", "none", "--known-hosts", knownHosts, "-i", keyFile],
        run: (words, more = {}) =>
          toehold(words, {
            ...more,
            platform: { homeDir: folder, ...more.platform, env: { ...env, ...more.platform?.env } }
          })
      })
    })
  ).pipe(Layer.provideMerge(NodeServices.layer))

export const jsonOf = <A>({ stdout }: Ran): A => JSON.parse(stdout) as A // what the test says it is

export interface ErrorDocument {
  readonly error: {
    readonly reason: string
    readonly message: string
    readonly fix: string
    readonly isRetryable: boolean
    readonly outcome: string
    readonly details: Readonly<Record<string, unknown>>
  }
}

export interface Answer extends ErrorDocument {
  readonly stdout: string
  readonly exitCode: number | null
}

export interface Attempt {
  readonly route: string
  readonly port: number
  readonly command: string
  readonly error: { readonly reason: string; readonly fix: string }
}

/** An instance that answers, with the program's words for it. */
export const rented = Effect.gen(function* () {
  const lab = yield* VastLab
  const instance = yield* lab.simulator.rent()
  yield* instance.settled
  const machine = `vast:${instance.id}`
  const exec = (...command: ReadonlyArray<string>) =>
    Effect.map(lab.run(["exec", machine, ...lab.login, "--json", "--", ...command]), (ran) => ({
      ...ran,
      json: jsonOf<Answer>(ran)
    }))
  return { lab, instance, machine, exec }
})

export const close = (address: Simulator.InstanceControl["direct"]) => address?.close ?? Effect.void
export const open = (address: Simulator.InstanceControl["direct"]) => address?.open("forward") ?? Effect.void

export const attemptsOf = ({ error }: ErrorDocument) => error.details["attempts"] as ReadonlyArray<Attempt> // the document's
