import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll } from "vitest"
import * as RealPart from "@toehold/lab/RealPart"
import { toehold } from "./support/program.ts"

const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "toehold-completion-"))
afterAll(() => Fs.rmSync(folder, { recursive: true, force: true }))

const script = (shell: string) =>
  Effect.map(toehold(["completion", shell]), ({ exitCode, stdout }) => {
    assert.strictEqual(exitCode, 0)
    const path = Path.join(folder, shell)
    Fs.writeFileSync(path, stdout)
    return path
  })

describe("toehold completion", () => {
  it.effect("writes a script for every shell, with all commands in it", () =>
    Effect.gen(function* () {
      for (const shell of ["bash", "zsh", "fish", "powershell"]) {
        const text = Fs.readFileSync(yield* script(shell), "utf8")
        for (const word of [
          "exec",
          "doctor",
          "fingerprint",
          "forget",
          "known-hosts",
          "accept-new",
          "vast",
          "ssh-url"
        ]) {
          assert.include(text, word, shell)
        }
      }
    })
  )

  it.effect("writes PowerShell that registers itself as an argument completer", () =>
    Effect.map(script("powershell"), (path) => {
      const text = Fs.readFileSync(path, "utf8")
      assert.include(text, "Register-ArgumentCompleter")
      assert.notMatch(text, /[^\0-\x7f]/, "Windows PowerShell reads a script without a byte order mark as ANSI")
    })
  )
})

RealPart.describeWith(["bash"], "toehold completion in bash", () => {
  it.effect("offers commands, flags and choices", () =>
    Effect.gen(function* () {
      const path = yield* script("bash")
      const complete = (...words: ReadonlyArray<string>): ReadonlyArray<string> => {
        const quoted = words.map((word) => `'${word}'`).join(" ")
        // What readline does on a tab: the words, the number of the current one, then the registered function.
        const drive = [
          `source ${path}`,
          `COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}`,
          `COMP_LINE="$(printf '%s ' "\${COMP_WORDS[@]}")"; COMP_LINE="\${COMP_LINE% }"; COMP_POINT=\${#COMP_LINE}`,
          `f=$(complete -p toehold | sed 's/.*-F \\([^ ]*\\).*/\\1/')`,
          `"$f" toehold "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD-1]}" 2>/dev/null`,
          `printf '%s\\n' "\${COMPREPLY[@]}"`
        ].join("\n")
        const { stderr, stdout } = ChildProcess.spawnSync(RealPart.path("bash"), ["--norc", "-c", drive], {
          encoding: "utf8"
        })
        assert.strictEqual(stderr, "")
        return stdout.split("\n").map((line) => line.trim())
      }
      assert.includeMembers([...complete("toehold", "")], ["exec", "doctor", "keys", "hosts", "help", "completion"])
      assert.includeMembers([...complete("toehold", "keys", "g")], ["generate"])
      assert.includeMembers([...complete("toehold", "exec", "--time")], ["--timeout"])
      assert.includeMembers([...complete("toehold", "exec", "--host-key", "")], ["strict", "accept-new", "off"])
    })
  )
})

RealPart.describeWith(["fish"], "toehold completion in fish", () => {
  it.effect("offers commands, flags and choices", () =>
    Effect.gen(function* () {
      const path = yield* script("fish")
      const complete = (line: string): ReadonlyArray<string> =>
        ChildProcess.spawnSync(RealPart.path("fish"), ["--no-config", "-c", `source ${path}; complete -C '${line}'`], {
          encoding: "utf8",
          env: { ...process.env, HOME: folder }
        })
          .stdout.split("\n")
          .map((line) => line.split("\t")[0] ?? "")
      assert.includeMembers([...complete("toehold ")], ["exec", "doctor", "keys", "hosts", "help", "completion"])
      assert.includeMembers([...complete("toehold keys g")], ["generate"])
      assert.includeMembers([...complete("toehold exec --time")], ["--timeout"])
      assert.includeMembers([...complete("toehold exec --host-key ")], ["strict", "accept-new", "off"])
    })
  )
})
