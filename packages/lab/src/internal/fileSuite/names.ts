/** Names that shells, terminals and careless code trip over. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { type Group, inFolder } from "./place.ts"

const every: ReadonlyArray<string> = [
  " ",
  " leading and trailing ",
  "-rf",
  "--",
  "-",
  "~",
  "~root",
  "...",
  "..a",
  "#",
  "a\nb",
  "trailing newline\n",
  "\n",
  "two\n\n",
  "tab\tand\rreturn",
  "'",
  '"',
  `'"'"'`,
  "`touch x`",
  "$(touch x)",
  "$HOME",
  "${HOME}",
  "a;b&c|d>e<f",
  "*",
  "?",
  "[a]",
  "{a,b}",
  "!",
  "!!",
  "\\",
  "back\\slash\\n",
  "%s%n%d",
  "(a)",
  "=",
  "a=b",
  "a:b",
  "-e a",
  "\u0001\u001b[31m\u007f",
  "ünï",
  "u\u0308 decomposed",
  "名前",
  "\u{1f600}",
  "\u2028\u00a0\ufeff",
  "x".repeat(255)
]

export const oddNames: Group = (it, capabilities) => {
  const step = Math.ceil(every.length / (capabilities.names ?? every.length))
  const names = every.filter((_, index) => index % step === 0)
  it.effect("takes every name as it is", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.makeDirectory(`${folder}/a`)
        yield* Effect.forEach(names, (name) => fs.writeFileString(`${folder}/a/${name}`, name), { concurrency: 8 })
        const sorted = names.slice().sort()
        assert.deepStrictEqual((yield* fs.readDirectory(`${folder}/a`)).sort(), sorted)
        assert.deepStrictEqual(
          (yield* fs.readDirectoryEntries(`${folder}/a`)).map(({ name, type }) => `${type} ${name}`).sort(),
          sorted.map((name) => `File ${name}`)
        )
        yield* fs.copy(`${folder}/a`, `${folder}/b`)
        yield* Effect.forEach(
          names,
          (name) =>
            Effect.gen(function* () {
              const path = `${folder}/b/${name}`
              assert.strictEqual(yield* fs.readFileString(path), name)
              assert.strictEqual((yield* fs.stat(path)).type, "File")
              assert.strictEqual(yield* fs.realPath(path), `${yield* fs.realPath(`${folder}/b`)}/${name}`)
              yield* fs.chmod(path, 0o600)
              yield* fs.remove(path)
              yield* fs.symlink(name, path)
              assert.strictEqual(yield* fs.readLink(path), name)
              yield* fs.remove(path)
              yield* fs.makeDirectory(path)
              yield* fs.writeFileString(`${path}/${name}`, "inner")
              yield* fs.rename(`${path}/${name}`, `${path}/plain`)
              assert.deepStrictEqual(yield* fs.readDirectory(path), ["plain"])
              yield* fs.rename(`${path}/plain`, `${path}/${name}`)
            }),
          { concurrency: 8 }
        )
        const all = (yield* fs.readDirectory(`${folder}/b`, { recursive: true })).sort()
        assert.deepStrictEqual(all, names.flatMap((name) => [name, `${name}/${name}`]).sort())
        yield* fs.remove(`${folder}/b`, { recursive: true })
        // Nothing that a name said was done.
        assert.deepStrictEqual(yield* fs.readDirectory(folder), ["a"])
      })
    )
  )
}
