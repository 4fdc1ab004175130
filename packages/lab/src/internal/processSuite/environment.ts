/** Where a process runs, and with which variables. */
import { assert } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { ChildProcess } from "effect/process"
import { type Capabilities, fails, type Group, run, sh } from "./machine.ts"

/** The variables of a process, but those that a shell sets for itself. */
const variables = (options: ChildProcess.CommandOptions) =>
  Effect.map(run(ChildProcess.make("/usr/bin/env", ["-0"], options)), ({ text }) =>
    Object.fromEntries(
      text
        .split("\0")
        .filter((entry) => entry !== "")
        .map((entry): readonly [string, string] => [
          entry.slice(0, entry.indexOf("=")),
          entry.slice(entry.indexOf("=") + 1)
        ])
        // bash exports the second to what replaces it, whatever it was told.
        .filter(([name]) => name !== "_" && name !== "SHLVL")
    )
  )

export const environment: Group = (it, { oddVariableNames = true }: Capabilities) => {
  it.effect("starts in the given folder, whatever its name", () =>
    Effect.gen(function* () {
      const names = ["-a b'c$d", "~", "e\nf"]
      const made = yield* run(sh('d=$(mktemp -d) && cd "$d" && for n; do mkdir -- "./$n"; done; pwd -P', names))
      const folder = made.text.trimEnd()
      for (const name of names) {
        assert.strictEqual((yield* run(sh("pwd -P", [], { cwd: `${folder}/${name}` }))).text, `${folder}/${name}\n`)
      }
      assert.strictEqual((yield* run(sh("pwd -P", [], { cwd: "/" }))).text, "/\n")
      yield* run(sh('rm -r "$1"', [folder]))
    })
  )

  it.effect("has the environment that is there, without an own one", () =>
    Effect.gen(function* () {
      const inherited = yield* variables({})
      assert.isNotEmpty(inherited["PATH"])
      assert.isNotEmpty(inherited["HOME"])
    })
  )

  it.effect("has the given variables and no others", () =>
    Effect.gen(function* () {
      const env = { A: "1", EMPTY: "", LINES_: "a\nB=2\n\nPATH=/x", ODD: "'\"$HOME`id`\\!é\u{1f600}", n: "n", c: "c" }
      assert.deepStrictEqual(yield* variables({ env }), env)
      assert.deepStrictEqual(yield* variables({ env: { ...env, GONE: undefined } }), env)
      assert.deepStrictEqual(yield* variables({ env: {} }), {})
      const path = { PATH: "/nowhere" }
      assert.deepStrictEqual(yield* variables({ env: path }), path)
    })
  )

  it.effect("adds to the environment that is there, changes and removes", () =>
    Effect.gen(function* () {
      const inherited = yield* variables({})
      const env = { A: "new\n", HOME: "/elsewhere", PATH: undefined, NEVER_THERE: undefined }
      const { HOME, PATH: _, ...rest } = inherited
      assert.isNotEmpty(HOME)
      assert.deepStrictEqual(yield* variables({ env, extendEnv: true }), { ...rest, A: "new\n", HOME: "/elsewhere" })
      assert.deepStrictEqual(yield* variables({ extendEnv: true }), inherited)
    })
  )

  it.effect("has secret variables, which no command line shows", () =>
    Effect.gen(function* () {
      const secret = "s3cret-8c1f"
      for (const extendEnv of [true, false]) {
        const env = { TOKEN: Redacted.make(`${secret}'\n`) }
        assert.include(yield* variables({ env, extendEnv }), { TOKEN: `${secret}'\n` })
        const lines = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '; :"
        const { text } = yield* run(ChildProcess.make("/bin/sh", ["-c", lines], { env, extendEnv }))
        assert.isNotEmpty(text)
        assert.notInclude(text, secret)
      }
    })
  )

  it.effect("has variables of any name", () =>
    Effect.gen(function* () {
      const env = { "a.b-c": "odd" }
      if (oddVariableNames) assert.deepStrictEqual(yield* variables({ env }), env)
      else yield* fails(variables({ env }), "BadArgument")
    })
  )
}
