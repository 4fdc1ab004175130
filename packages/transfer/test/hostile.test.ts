import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, type Layer, type Scope } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Transfer from "../src/Transfer.ts"
import { archive, type Member, pax } from "./support/archives.ts"
import { endOf, services, temporary, withPrograms } from "./support/ends.ts"
import { file, folder, link, look, treeOf, write } from "./support/trees.ts"

/** A place with something precious outside of the target, and a machine whose programs are made for the test. */
const prepare = Effect.gen(function* () {
  const root = yield* temporary
  const at = (name: string) => Path.join(root, name)
  write(root, treeOf({ precious: folder(), "precious/x": file("precious") }))
  const here = yield* endOf("gnu", "here")
  const machineWith = (programs: Readonly<Record<string, string>>) => {
    const bin = at("bin")
    Fs.mkdirSync(bin, { recursive: true })
    for (const [name, text] of Object.entries(programs))
      Fs.writeFileSync(Path.join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
    return { ...here, name: "evil", processes: withPrograms(here.processes, `${bin}:${process.env["PATH"]}`) }
  }
  return { at, root, here, machineWith }
})

type Place = Effect.Success<typeof prepare>

const test = <A, E>(
  title: string,
  body: (place: Place) => Effect.Effect<A, E, Scope.Scope | Layer.Success<typeof services>>
) => it.live(title, () => Effect.flatMap(prepare, body).pipe(Effect.scoped, Effect.provide(services)))

const outside = (root: string) => look(root).filter((line) => !/^"(?:target|source|bin|archive)/.test(line))

const honest = treeOf({
  d: folder(),
  "d/x": file("one"),
  ...Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`f${index}`, file(`file ${index}`)]))
})

describe("a machine's archive", () => {
  const good: ReadonlyArray<Member> = Array.from({ length: 6 }, (_, index) => ({
    name: `./f${index}`,
    data: `file ${index}`
  }))
  const cases: Readonly<Record<string, (root: string) => ReadonlyArray<Member>>> = {
    "leads up": () => [
      { name: "../precious/x", data: "bad" },
      { name: "d/../../precious/x", data: "bad" }
    ],
    "names the root": (root) => [
      { name: `${root}/precious/x`, data: "bad" },
      { name: "/precious/x", data: "bad" }
    ],
    "places a link first and writes through it": (root) => [
      { name: "d", type: "2", target: `${root}/precious` },
      { name: "./d", type: "2", target: `${root}/precious` },
      { name: "./d/x", data: "one" }
    ],
    "makes a further name of something outside": (root) => [
      { name: "./d/x", type: "1", target: `${root}/precious/x` },
      { name: "./d/x", type: "1", target: "../precious/x" }
    ],
    "says the name by other headers": () => [
      { name: "././@LongLink", type: "L", data: "../precious/x\0" },
      { name: "./f1", data: "file 1" },
      { name: "pax", type: "x", data: pax("path", "../precious/x") },
      { name: "./f2", data: "file 2" }
    ],
    "sends a file twice, and others in the wrong size": () => [
      { name: "./d/x", data: "one" },
      { name: "./d/x", data: "two" },
      { name: "./f3", data: "much longer than it was said to be" }
    ],
    "holds devices and what nobody asked for": () => [
      { name: "./d/dev", type: "3" },
      { name: "./d/y", data: "more" },
      { name: "./.ssh/authorized_keys", data: "ssh-ed25519 AAAA" }
    ]
  }
  for (const [title, members] of Object.entries(cases)) {
    test(`gets nothing further that ${title}`, ({ at, here, machineWith, root }) =>
      Effect.gen(function* () {
        write(at("source"), honest)
        Fs.writeFileSync(at("archive"), archive(...members(root), ...good))
        const before = outside(root)
        const from = machineWith({
          tar: `case $1 in -c*) : >'${at("archive.used")}'; exec cat '${at("archive")}';; *) exec /bin/tar "$@";; esac`
        })
        for (const target of ["target", "target"]) {
          yield* Transfer.copy({ from, sources: [at("source")], to: here, target: at(target) })
        }
        assert.deepStrictEqual(
          look(at("target")).filter((line) => !line.startsWith('"source')),
          look(at("source"))
        )
        assert.deepStrictEqual(look(at("target/source")), look(at("source")))
        assert.deepStrictEqual(outside(root), before)
      }))
  }
})

const record = (path: string, type = "f", target = "") => `${type} 644 3 1700000000.0 1 1:1\\0${path}\\0${target}\\0`

describe("a machine's listing", () => {
  const listings: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
    ["leads up", [record("./../precious/x")]],
    ["leads up further down", [record("./d", "d"), record("./d/../../precious/x")]],
    ["names the root", [record("/precious/x")]],
    ["holds a file below a link", [record("./d", "l", "../precious"), record("./d/x")]],
    ["holds a file below a file", [record("./d"), record("./d/x")]],
    ["holds a file below nothing", [record("./d/x")]],
    ["has no name", [record("./d", "d"), record("./d/")]]
  ]
  for (const [title, records] of listings) {
    test(`that ${title} is refused`, ({ at, here, machineWith, root }) =>
      Effect.gen(function* () {
        write(at("source"), honest)
        const before = outside(root)
        const from = machineWith({ find: `case "$*" in *ok*) printf ok;; *) printf '${records.join("")}';; esac` })
        for (const run of [
          Transfer.copy({ from, sources: [at("source")], to: here, target: at("target") }),
          Transfer.sync({ from, source: at("source/"), to: here, target: at("target") })
        ]) {
          const error = yield* Effect.flip(run)
          assert.strictEqual(error.reason._tag, "UnsafeName", error.message)
          assert.strictEqual(error.outcome, "did-not-run")
        }
        assert.deepStrictEqual(outside(root), before)
      }))
  }

  for (const name of ["..", "../x", "a/../../x", "/abs", "", "a\0b"]) {
    test(`over SFTP that holds ${JSON.stringify(name)} is refused`, ({ at, here }) =>
      Effect.gen(function* () {
        write(at("source"), honest)
        const none = yield* endOf("none", "evil")
        const files = FileSystem.FileSystem.of({
          ...here.files,
          readDirectory: (path) =>
            Effect.map(here.files.readDirectory(path), (names) => (path === at("source") ? [...names, name] : names)),
          lstat: (path) => here.files.lstat(path === at("target") ? path : at("source/f1"))
        })
        const from = { ...none, files }
        const error = yield* Effect.flip(
          Transfer.copy({ from, sources: [at("source")], to: here, target: at("target") })
        )
        assert.strictEqual(error.reason._tag, "UnsafeName", error.message)
        assert.isFalse(Fs.existsSync(at("target")))
      }))
  }
})

describe("a link at the target", () => {
  test("is never written through, whoever placed it", ({ at, here, root }) =>
    Effect.gen(function* () {
      write(at("source"), honest)
      write(at("target"), treeOf({ d: link("../precious"), f1: link("../precious/x") }))
      const before = outside(root)
      const there = { ...here, name: "there" }
      const source = `${at("source")}/`
      const refused = yield* Effect.flip(
        Transfer.copy({ from: here, sources: [source], to: there, target: at("target") })
      )
      assert.strictEqual(refused.reason._tag, "NotADirectory")
      yield* Transfer.sync({ from: here, source, to: there, target: at("target") })
      assert.deepStrictEqual(look(at("target")), look(at("source")))
      assert.deepStrictEqual(outside(root), before)
    }))

  test("that leads out of its tree is left out where that was asked for", ({ at, here }) =>
    Effect.gen(function* () {
      write(
        at("source"),
        treeOf({ d: folder(), "d/in": link("../f"), "d/out": link("../../f"), abs: link("/etc"), f: file("") })
      )
      const done = yield* Transfer.copy({
        from: here,
        sources: [at("source")],
        to: here,
        target: at("target"),
        safeLinks: true
      })
      assert.deepStrictEqual(done.leftOut, ["abs", "d/out"])
      assert.deepStrictEqual(Fs.readdirSync(at("target/d")), ["in"])
    }))
})

describe("Windows at the target", () => {
  for (const name of ["a:b", "a\\b", "..\\..\\x", "con", "NUL.txt", "com1", "x.", "x ", "a?", "a\nb"]) {
    test(`can't have ${JSON.stringify(name)}`, ({ at, here }) =>
      Effect.gen(function* () {
        write(at("source"), treeOf({ [name]: file("x") }))
        const to = yield* endOf("windows", "there")
        const error = yield* Effect.flip(
          Transfer.copy({ from: here, sources: [at("source")], to, target: at("target") })
        )
        assert.strictEqual(error.reason._tag, "UnsafeName", error.message)
        yield* Transfer.copy({
          from: here,
          sources: [at("source")],
          to,
          target: at("target"),
          exclude: [name.replace(/[\\?[]/g, "\\$&")]
        })
        assert.deepStrictEqual(Fs.readdirSync(at("target")), [])
      }))
  }

  test("can't tell names apart by their case", ({ at, here }) =>
    Effect.gen(function* () {
      write(at("source"), treeOf({ A: link("/tmp"), a: folder(), "a/x": file("x") }))
      const to = yield* endOf("windows", "there")
      const error = yield* Effect.flip(Transfer.copy({ from: here, sources: [at("source")], to, target: at("target") }))
      assert.match(error.message, /can't tell it from/)
    }))
})
