import { assert, describe, it } from "@effect/vitest"
import { NodeFileSystem } from "@effect/platform-node"
import { Effect, FileSystem, PlatformError } from "effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import * as ImageCheck from "../src/ImageCheck.ts"

const ours = fileURLToPath(new URL("../../../agent-image", import.meta.url))

const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "image-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

type Tree = Readonly<Record<string, string | { readonly program: true } | { readonly link: string }>>

const program = { program: true } as const

/** An image as the Dockerfile makes it, with the links of a merged /usr that lead out of a folder which is no root. */
const whole: Tree = {
  "usr/bin/sh": program,
  bin: { link: "/usr/bin" },
  sbin: { link: "usr/sbin" },
  "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nagent:x:1000:1000::/home/agent:/bin/bash\n",
  "home/agent/.keep": "",
  "usr/bin/sudo": program,
  "etc/sudoers": "root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n",
  "etc/sudoers.d/agent": "agent ALL=(ALL) NOPASSWD:ALL\n",
  "etc/systemd/system/serial-getty@ttyS0.service.d/autologin.conf": Fs.readFileSync(
    Path.join(ours, "serial-getty@ttyS0.service.d/autologin.conf"),
    "utf8"
  ),
  "usr/bin/git": program,
  "usr/sbin/ip": { link: "/usr/bin/ip" },
  "usr/bin/ip": program,
  "etc/ssl/certs/ca-certificates.crt": "x",
  "usr/bin/setsid": program,
  "usr/local/lib/opencode": program,
  "usr/local/bin/opencode": { link: "../lib/opencode" },
  "etc/systemd/user/opencode@.service": Fs.readFileSync(Path.join(ours, "opencode@.service"), "utf8"),
  "var/lib/systemd/linger/agent": ""
}

const write = (root: string, tree: Tree): void => {
  for (const [name, entry] of Object.entries(tree)) {
    const path = Path.join(root, name)
    Fs.mkdirSync(Path.dirname(path), { recursive: true })
    if (typeof entry === "string") Fs.writeFileSync(path, entry)
    else if ("link" in entry) Fs.symlinkSync(entry.link, path)
    else Fs.writeFileSync(path, "#!/bin/sh\n", { mode: 0o755 })
  }
}

const found = Effect.fnUntraced(function* (tree: Tree) {
  const root = yield* folder
  write(root, tree)
  return yield* ImageCheck.check(root)
})

const without = (...names: ReadonlyArray<string>): Tree =>
  Object.fromEntries(Object.entries(whole).filter(([name]) => !names.includes(name)))

const faults = (findings: ReadonlyArray<ImageCheck.Finding>) =>
  findings.filter(({ state }) => state !== "ok").map(({ name, state }) => `${name} ${state}`)

describe("ImageCheck", () => {
  it.layer(NodeFileSystem.layer)((it) => {
    it.effect("finds all that the Dockerfile of agent-image puts there", () =>
      Effect.gen(function* () {
        const findings = yield* found(whole)
        assert.deepStrictEqual(faults(findings), [])
        assert.isTrue(ImageCheck.isReady(findings))
        assert.strictEqual(findings.find(({ name }) => name === "shell")?.detail, "/bin/sh")
      }).pipe(Effect.scoped)
    )

    it.effect("says of each thing that it is missing, and what to do", () =>
      Effect.gen(function* () {
        const cases: ReadonlyArray<readonly [Tree, ReadonlyArray<string>]> = [
          [without("usr/bin/sh"), ["shell missing"]],
          [{ ...whole, "etc/passwd": "root:x:0:0:root:/root:/bin/bash\n" }, ["account missing"]],
          [{ ...whole, "etc/passwd": "agent:x:1:1::/home/agent:/usr/sbin/nologin\n" }, ["account missing"]],
          [{ ...whole, "etc/passwd": "agent:x:1:1::/home/gone:/bin/sh\n" }, ["account missing"]],
          [without("etc/sudoers.d/agent"), ["sudo missing"]],
          [{ ...whole, "etc/sudoers.d/agent": "agent ALL=(ALL) ALL\n" }, ["sudo missing"]],
          [without("usr/bin/sudo"), ["sudo missing"]],
          [without("etc/systemd/system/serial-getty@ttyS0.service.d/autologin.conf"), ["autologin missing"]],
          [without("usr/bin/git"), ["git missing"]],
          [without("usr/bin/ip"), ["network missing"]],
          [without("etc/ssl/certs/ca-certificates.crt"), ["certificates missing"]],
          [without("usr/bin/setsid"), ["setsid missing"]],
          [without("usr/local/lib/opencode"), ["opencode missing"]],
          [without("etc/systemd/user/opencode@.service"), ["unit advised"]],
          [without("var/lib/systemd/linger/agent"), ["linger advised"]]
        ]
        for (const [tree, expected] of cases) {
          const findings = yield* found(tree)
          assert.deepStrictEqual(faults(findings), expected)
          const fault = findings.find(({ state }) => state !== "ok")
          assert.isNotEmpty(fault?.fix)
          assert.strictEqual(ImageCheck.isReady(findings), expected[0]?.endsWith("advised") === true)
        }
      }).pipe(Effect.scoped)
    )

    it.effect("takes a BusyBox system whose init gives the console a shell", () =>
      Effect.gen(function* () {
        const name = "etc/systemd/system/serial-getty@ttyS0.service.d/autologin.conf"
        const findings = yield* found({
          ...without(name),
          "etc/inittab": "::sysinit:/etc/rc\nttyS0::respawn:-/bin/sh\n"
        })
        assert.deepStrictEqual(faults(findings), [])
      }).pipe(Effect.scoped)
    )

    it.effect("never leaves the image by a link, and doesn't hang in one", () =>
      Effect.gen(function* () {
        const findings = yield* found({
          "etc/passwd": { link: "../../../../../../../../../../etc/hostname-that-is-not-there" },
          "bin/sh": { link: "/bin/sh" },
          "usr/bin": { link: "/usr/bin" },
          sbin: { link: "../../../../../../../../../../../../sbin" }
        })
        assert.strictEqual(faults(findings).length, 11)
      }).pipe(Effect.scoped)
    )

    it.effect("fails where there is no image, and says unknown of what only root may read", () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* Effect.flip(ImageCheck.check("/no/such/folder"))).reason._tag, "NotFound")
        const fs = yield* FileSystem.FileSystem
        const denied = PlatformError.systemError({ _tag: "PermissionDenied", module: "FileSystem", method: "stream" })
        const root = yield* folder
        write(root, whole)
        const guarded = FileSystem.make({
          ...fs,
          readDirectory: (path, options) =>
            path.includes("sudoers") ? Effect.fail(denied) : fs.readDirectory(path, options)
        })
        const findings = yield* Effect.provideService(ImageCheck.check(root), FileSystem.FileSystem, guarded)
        assert.deepStrictEqual(faults(findings), ["sudo unknown"])
      }).pipe(Effect.scoped)
    )
  })
})
