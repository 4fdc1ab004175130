import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Result, Schema } from "effect"
import { describeWith } from "@toehold/lab/RealPart"
import * as RealPart from "@toehold/lab/RealPart"
import { execFileSync, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as MachineFacts from "../src/MachineFacts.ts"
import * as Recipe from "../src/Recipe.ts"
import { layer, Site } from "./support/site.ts"

const parsed = (lines: ReadonlyArray<string>): Recipe.Recipe =>
  Result.getOrThrow(Recipe.parse(lines.join("\n"), "test.sh"))

const counting = parsed([
  "#!/bin/sh",
  "# recipe: counting",
  "# version: 2",
  "# secret: KEY for the count",
  "# argument: FILE where to count",
  '[ -n "$KEY" ] || exit 9',
  "sleep 0.3",
  'echo once >>"$WORKSPACE/$1"',
  'echo "counted with $KEY"',
  '[ ! -e "$WORKSPACE/fail" ]'
])

const gather = MachineFacts.gather({ workspaces: ["~/workspace"] })

describe("Recipe", () => {
  it("ships recipes that a shell can read", () => {
    assert.deepStrictEqual(
      Recipe.builtIn.map(({ name }) => name),
      ["claude-code", "clone", "cloudflared", "comfyui", "nodejs", "ollama", "opencode"]
    )
    for (const { name, script, start, summary } of Recipe.builtIn) {
      assert.isAbove(summary.length, 10)
      for (const text of [script, start ?? ":"]) {
        const { status, stderr } = spawnSync(RealPart.path("dash"), ["-n"], { input: text, encoding: "utf8" })
        assert.deepStrictEqual([status, stderr], [0, ""], name)
      }
    }
    const ollama = Recipe.builtIn.find(({ name }) => name === "ollama")
    assert.deepStrictEqual([ollama?.port, ollama?.forward], [11434, 11434])
  })

  it.each([
    ["neither #!/bin/sh", "echo hello"],
    ["its name", "#!/bin/sh\n# version: 1"],
    ["its name", "#!/bin/sh\n# recipe: Not A Name\n# version: 1"],
    ["its version", "#!/bin/sh\n# recipe: a"],
    ["no port", "#!/bin/sh\n# recipe: a\n# version: 1\n# port: 99999"],
    ["names no port", "#!/bin/sh\n# recipe: a\n# version: 1\n# start: exec a"],
    ["no name of a variable", "#!/bin/sh\n# recipe: a\n# version: 1\n# secret: A-B"]
  ])("says what is wrong with a file: %s", (words, text) => {
    const read = Recipe.parse(text, "mine.sh")
    assert.isTrue(Result.isFailure(read))
    if (Result.isFailure(read)) assert.include(read.failure.message, words)
  })

  const words = Schema.Literals([
    "recipe: a",
    "version: 1",
    "port: 80",
    "secret: A b",
    "start: exec a",
    "\r\n",
    "forward: x"
  ])
  it.prop(
    "answers for any file",
    { head: Schema.String, lines: Schema.Array(Schema.Union([Schema.String, words])) },
    ({ head, lines }) => {
      Recipe.parse(head, "x")
      const text = ["#!/bin/sh", ...lines.map((line) => `# ${line}`)].join("\n")
      const read = Recipe.parse(text, "x")
      if (Result.isSuccess(read)) assert.strictEqual(read.success.script, text.replaceAll("\r\n", "\n"))
    },
    { arbitrary: { runs: 300 } }
  )

  it.layer(layer(), { excludeTestServices: true })((it) => {
    it.effect("adds the recipes of a folder, which win over those that ship", () =>
      Effect.gen(function* () {
        const { folder } = yield* Site
        const recipes = Path.join(folder, "recipes")
        Fs.mkdirSync(recipes)
        Fs.writeFileSync(Path.join(recipes, "mine.sh"), "#!/bin/sh\n# recipe: nodejs\n# version: 9\ntrue\n")
        Fs.writeFileSync(Path.join(recipes, "notes.txt"), "not a recipe")
        const all = yield* Recipe.list(recipes)
        assert.strictEqual(all.length, Recipe.builtIn.length)
        assert.strictEqual(all.find(({ name }) => name === "nodejs")?.version, "9")
        assert.strictEqual((yield* Recipe.list(Path.join(folder, "nowhere"))).length, Recipe.builtIn.length)
        Fs.writeFileSync(Path.join(recipes, "broken.sh"), "echo")
        assert.strictEqual((yield* Effect.flip(Recipe.list(recipes))).reason._tag, "RecipeInvalid")
      }).pipe(Effect.provide(NodeServices.layer))
    )

    it.effect("runs once, whoever asks how often, and again only after a failure", () =>
      Effect.gen(function* () {
        const { filesWith, workspace } = yield* Site
        const facts = yield* gather
        const secret = "planted-secret-77aa"
        const options = { arguments: ["count"], secrets: { KEY: Redacted.make(secret) } }
        const count = () => Fs.readFileSync(Path.join(workspace, "count"), "utf8")

        const missing = yield* Effect.flip(Recipe.run(counting, facts, { arguments: ["count"] }))
        assert.strictEqual(missing.reason._tag, "SecretsMissing")
        assert.strictEqual(
          (yield* Effect.flip(Recipe.run(counting, facts, { ...options, arguments: [] }))).reason._tag,
          "RecipeInvalid"
        )

        Fs.writeFileSync(Path.join(workspace, "fail"), "")
        const failed = yield* Effect.flip(Recipe.run(counting, facts, options))
        assert.strictEqual(failed.reason._tag, "ProvisioningFailed")
        assert.include(failed.message, "exit code 1. It ended with: counted with ***")
        Fs.rmSync(Path.join(workspace, "fail"))

        const lines: Array<string> = []
        const ran = yield* Effect.forEach(
          [1, 2, 3, 4],
          () => Recipe.run(counting, facts, { ...options, onLine: (line) => Effect.sync(() => void lines.push(line)) }),
          { concurrency: 4 }
        )
        assert.isTrue(ran.some(({ skipped }) => !skipped))
        assert.strictEqual(count(), "once\nonce\n")
        assert.include(lines, "counted with ***")
        assert.isTrue((yield* Recipe.run(counting, facts, options)).skipped)
        assert.strictEqual(count(), "once\nonce\n")
        assert.deepStrictEqual(
          filesWith(secret).filter((path) => !path.includes("/d/out/")),
          []
        )
      })
    )
  })
})

describeWith(["git"], "the recipe clone", () => {
  it.layer(layer(), { excludeTestServices: true })((it) => {
    it.effect("clones a repository, and brings it up to date when it is there", () =>
      Effect.gen(function* () {
        const { folder, workspace } = yield* Site
        const facts = yield* gather
        const origin = Path.join(folder, "origin.git")
        const git = (...args: ReadonlyArray<string>) =>
          execFileSync(RealPart.path("git"), ["-c", "user.name=t", "-c", "user.email=t@t", ...args], { cwd: folder })
        git("init", "-q", "-b", "main", origin)
        git("-C", origin, "commit", "-q", "--allow-empty", "-m", "first")
        const clone = Result.getOrThrow(Recipe.find(Recipe.builtIn, "clone"))
        const run = (...args: ReadonlyArray<string>) => Recipe.run(clone, facts, { arguments: args })
        yield* run(`file://${origin}`)
        assert.isTrue(Fs.existsSync(Path.join(workspace, "origin/.git")))
        yield* run(`file://${origin}`, "work/here")
        assert.isTrue(Fs.existsSync(Path.join(workspace, "work/here/.git")))
        const bad = yield* Effect.flip(run("--upload-pack=touch${IFS}x", "y"))
        assert.strictEqual(bad.reason._tag, "ProvisioningFailed")
        const outside = yield* Effect.flip(run(`file://${origin}`, "a/../../../outside"))
        assert.strictEqual(outside.reason._tag, "ProvisioningFailed")
        assert.isFalse(Fs.existsSync(Path.join(folder, "outside")))
      })
    )
  })
})
