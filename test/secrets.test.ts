import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, FileSystem, Redacted } from "effect"
import * as KeyPair from "@toehold/lab/KeyPair"
import * as RealPart from "@toehold/lab/RealPart"
import { commandLines } from "@toehold/lab/RunningProcesses"
import * as Simulator from "@toehold/lab/VastSimulator"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"

const program = new URL("./programs/toehold.ts", import.meta.url).pathname

const secrets = {
  account: "planted-account-variable-71c2",
  file: "planted-value-of-a-file-0a9f",
  instance: "planted-instance-variable-5d3e",
  registry: "-u me -p planted-registry-login-9b4c docker.io",
  onstart: "planted-in-a-start-script-2f6a",
  typed: "planted-and-typed-unseen-8e1b",
  passphrase: "planted-passphrase-of-a-key-44d7"
} as const

const planted = Object.values(secrets).map((text) => /planted\S+/.exec(text)?.[0] ?? text)

interface Ended {
  readonly code: number | null
  readonly output: string
  /** Every process list that was seen while it ran. */
  readonly lists: ReadonlyArray<string>
}

interface Started {
  readonly command: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  readonly stdin?: string
  /** What is typed once this is shown. */
  readonly types?: { readonly at: string; readonly text: string }
}

/** Runs a program, and reads the process list again and again meanwhile. */
const run = ({ command: [file = "", ...words], env, stdin, types }: Started): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(file, words, { env: { PATH: process.env["PATH"], ...env }, stdio: "pipe" })
    const lists: Array<string> = []
    const looking = setInterval(() => lists.push(commandLines().join("\n")), 150)
    let output = ""
    let due = types
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString()
        if (due === undefined || !output.includes(due.at)) return
        child.stdin.write(due.text)
        due = undefined
      })
    }
    child.stdin.on("error", () => {})
    if (types === undefined) child.stdin.end(stdin)
    child.on("close", (code) => {
      clearInterval(looking)
      resolve({ code, output, lists })
    })
  })

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

/** The command on a terminal of its own, as a person has it. */
const onTerminal = (command: ReadonlyArray<string>): ReadonlyArray<string> => [
  RealPart.path("script"),
  "-qec",
  command.map(quote).join(" "),
  "/dev/null"
]

const filesBelow = (folder: string): ReadonlyArray<string> =>
  Fs.readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)

/** A simulator, an instance that lets in, and the program with whatever is planted. */
const world = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: "toehold-secrets-" })
  const home = `${folder}/home`
  const inputs = `${folder}/inputs`
  yield* fs.makeDirectory(home)
  yield* fs.makeDirectory(inputs)
  const { privateKey, publicKey } = yield* KeyPair.generate()
  yield* fs.writeFileString(`${inputs}/id_vast`, privateKey, { mode: 0o600 })
  const simulator = yield* Simulator.make({ publicKeys: [publicKey] })
  const apiKey = Redacted.value(simulator.apiKey)
  const env = { VAST_API_KEY: apiKey, VAST_URL: simulator.url, HOME: home, TOEHOLD_HOME: `${home}/toehold` }
  const ended: Array<Ended> = []
  const toehold = Effect.fnUntraced(function* (
    words: ReadonlyArray<string>,
    more: Omit<Partial<Started>, "command"> & { readonly terminal?: boolean } = {}
  ) {
    const command = [process.execPath, program, ...words]
    const ran = yield* Effect.promise(() =>
      run({ ...more, command: more.terminal === true ? onTerminal(command) : command, env: { ...env, ...more.env } })
    )
    ended.push(ran)
    return ran
  })
  /** Everything but what was planted on purpose. */
  const assertKept = (): void => {
    const all = [...planted, apiKey]
    assert.isAbove(ended.flatMap(({ lists }) => lists).length, ended.length)
    for (const secret of all) {
      for (const { lists, output } of ended) {
        assert.notInclude(output, secret)
        assert.isFalse(
          lists.some((list) => list.includes(secret)),
          `${secret} is in the process list`
        )
      }
      assert.deepStrictEqual(
        filesBelow(home).filter((path) => Fs.readFileSync(path).includes(secret)),
        []
      )
    }
  }
  return { simulator, folder, inputs, home, toehold, assertKept }
})

const live = <A, E>(effect: Effect.Effect<A, E, NodeServices.NodeServices>) =>
  Effect.provide(effect, NodeServices.layer)

const debug = ["--log-level", "debug"]

RealPart.describeWith(["sshd", "private-accounts", "script"], "secrets", () => {
  it.live(
    "that toehold vast is given are in no output, log, process list or file",
    () =>
      Effect.gen(function* () {
        const { assertKept, inputs, simulator, toehold } = yield* world
        const done = Effect.fnUntraced(function* (...args: Parameters<typeof toehold>) {
          const ran = yield* toehold(...args)
          assert.strictEqual(ran.code, 0, ran.output)
        })
        yield* done(["vast", "env", "set", "ONE", "--value-env", "MINE", ...debug], { env: { MINE: secrets.account } })
        yield* done(["vast", "env", "set", "TWO", "--value-file", "-", ...debug], { stdin: `${secrets.file}\n` })
        Fs.writeFileSync(`${inputs}/onstart.sh`, `#!/bin/sh\nTOKEN=${secrets.onstart}\n`)
        const offer = "12345678"
        yield* done(
          `vast create ${offer} --image vastai/base-image --env-from TOKEN --image-login-env LOGIN --json`
            .split(" ")
            .concat("--onstart", `${inputs}/onstart.sh`, debug),
          { env: { TOKEN: secrets.instance, LOGIN: secrets.registry } }
        )
        const [instance] = yield* simulator.instances
        if (instance === undefined) return assert.fail("nothing was rented")
        // What it was for did arrive.
        const bodies = JSON.stringify((yield* simulator.requests).map(({ body }) => body))
        for (const text of [secrets.account, secrets.file, secrets.instance, secrets.registry, secrets.onstart]) {
          assert.include(bodies, text)
        }
        yield* instance.settled
        yield* done(["vast", "show", `${instance.id}`, "--json", ...debug])
        yield* done(["keys", "generate", `${inputs}/id_locked`, "--passphrase-env", "PASS"], {
          env: { PASS: secrets.passphrase }
        })
        yield* done(["vast", "keys", "attach", `${instance.id}`, `${inputs}/id_locked`, ...debug])
        const login = ["-F", "none", "--known-hosts", `${inputs}/known_hosts`, "-i", `${inputs}/id_locked`]
        yield* done(["vast", "wait", `${instance.id}`, ...login, "--passphrase-env", "PASS", ...debug], {
          env: { PASS: secrets.passphrase }
        })
        const wrong = yield* toehold(["vast", "env", "set", "X=y", "--value-env", "MINE", ...debug], {
          env: { MINE: secrets.account }
        })
        assert.strictEqual(wrong.code, 64)
        const failing = yield* toehold(["vast", "instances", ...debug], { env: { VAST_URL: "http://127.0.0.1:9" } })
        assert.notStrictEqual(failing.code, 0)
        assertKept()
      }).pipe(Effect.scoped, live),
    240_000
  )

  it.live(
    "that provisioning asks for at a terminal are typed unseen, reach the script, and nothing else",
    () =>
      Effect.gen(function* () {
        const { assertKept, inputs, simulator, toehold } = yield* world
        const instance = yield* simulator.rent({ workspace: "home" })
        yield* instance.settled
        const login = ["-F", "none", "--known-hosts", `${inputs}/known_hosts`, "-i", `${inputs}/id_vast`]
        Fs.writeFileSync(
          `${inputs}/setup.sh`,
          '#!/bin/sh\nprintf %s "$PROMPTED" | cksum >"$WORKSPACE/sum"\nprintf %s "$FROM_FILE" | cksum >>"$WORKSPACE/sum"\nsleep 0.5\n'
        )
        Fs.writeFileSync(`${inputs}/secret`, `${secrets.file}\n`)
        const provisioned = yield* toehold(
          `provision vast:${instance.id} --secret PROMPTED --secret FROM_FILE=@${inputs}/secret`
            .split(" ")
            .concat("--script", `${inputs}/setup.sh`, login, debug),
          // A slip is taken back: what counts is what is left at Enter.
          { terminal: true, types: { at: "PROMPTED: ", text: `${secrets.typed}x\u007f\r` } }
        )
        assert.strictEqual(provisioned.code, 0, provisioned.output)
        const sums = Fs.readFileSync(`${instance.homeDir}/workspace/sum`, "utf8")
        const expected = yield* Effect.promise(() =>
          run({
            command: ["sh", "-c", `printf %s ${secrets.typed} | cksum; printf %s ${secrets.file} | cksum`],
            env: {}
          })
        )
        assert.strictEqual(sums, expected.output)
        const nobody = yield* toehold(
          ["provision", `vast:${instance.id}`, "--script", `${inputs}/setup.sh`, "--secret", "PROMPTED", ...login],
          { terminal: true, types: { at: "PROMPTED: ", text: "\u0003" } }
        )
        assert.notStrictEqual(nobody.code, 0)
        assertKept()
        // On the machine it is in no file either, once the script has run.
        const there = filesBelow(instance.homeDir).filter((path) => {
          const text = Fs.readFileSync(path)
          return text.includes(secrets.typed) || text.includes(secrets.file)
        })
        assert.deepStrictEqual(there, [])
      }).pipe(Effect.scoped, live),
    240_000
  )
})
