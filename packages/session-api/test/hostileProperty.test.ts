import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer, Schema } from "effect"
import { describeWith } from "@toehold/lab/RealPart"
import * as ChildProcess from "node:child_process"
import { ask, jsonOf, type Refused, type Served, serve } from "./support/server.ts"

/** What names and URLs are made of, and what shells, git and URLs make something else of. */
const Piece = Schema.Literals([
  "a",
  "Z",
  "9",
  "main",
  "vm",
  "10.0.100.20",
  "https://",
  "ssh://",
  "file://",
  "git@",
  "example.org",
  "repo.git",
  ".",
  "..",
  "/",
  "-",
  "--upload-pack=",
  "-oProxyCommand=",
  "ext::",
  "sh -c id",
  "@",
  "@{",
  ":",
  "#",
  "?",
  "%2e",
  "%",
  "+",
  "=",
  ",",
  "_",
  "~",
  "^",
  "*",
  "[",
  "\\",
  " ",
  "\n",
  "\r",
  "\t",
  "\0",
  "'",
  '"',
  "`",
  "$(id)",
  "${HOME}",
  ";",
  "|",
  "&",
  "<",
  ">",
  "(",
  "!",
  "\u2028",
  "\u202e",
  "é"
])

const fields = ["id", "machine", "repoUrl", "branch", "vmIp", "workspaceBasePath"] as const

const Field = Schema.Literals(fields)

const good = { machine: "vm", repoUrl: "https://example.com/a/b.git" }

class Server extends Context.Service<Server, Served & { readonly text: string }>()("test/Server") {}

const layer = Layer.effect(
  Server,
  Effect.gen(function* () {
    const server = yield* serve({ requestsPerSecond: 100_000, burst: 100_000 })
    return { ...server, text: yield* server.token("mallory") }
  })
)

/** What a real shell makes of a text that nobody has quoted. */
const unquoted = (text: string): string =>
  ChildProcess.execFileSync("sh", ["-fc", `printf '%s\\n' x${text}`], { encoding: "utf8", stdio: "pipe" })

describeWith(["dash"], "any caller", () => {
  it.layer(layer, { excludeTestServices: true })((it) => {
    it.effect.prop(
      "has nothing taken that a shell, or a program's options, could make something else of",
      { field: Field, pieces: Schema.Array(Piece) },
      ({ field, pieces }) =>
        Effect.gen(function* () {
          const { store, text: token, url } = yield* Server
          const value = pieces.slice(0, 6).join("")
          const body = JSON.stringify({ ...good, [field]: value })
          const answer = yield* ask(`${url}/v1/sessions`, { token, body })
          if (answer.status === 201) {
            assert.isFalse(value.startsWith("-") && field !== "id", body)
            assert.strictEqual(unquoted(value), `x${value}\n`)
            yield* store.remove(jsonOf<{ readonly id: string }>(answer).id)
            return
          }
          // A machine of a fit name that is not there is refused as one.
          assert.include(field === "machine" ? [400, 404] : [400], answer.status, body)
          const { error } = jsonOf<Refused>(answer)
          assert.match(error.message, /^[^\n]+$/)
          assert.match(error.fix, /^[^\n]+$/)
          if (answer.status === 400) assert.include(error.message, `body.${field}`)
          assert.deepStrictEqual((yield* store.list()).sessions, [])
        }),
      { arbitrary: { runs: 400 } }
    )
  })
})
