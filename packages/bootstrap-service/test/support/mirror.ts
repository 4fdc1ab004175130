/** A server of files that stands for the places that recipes download from. */
import { Effect, type Scope } from "effect"
import { execFileSync } from "node:child_process"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Http from "node:http"
import * as Os from "node:os"
import * as Path from "node:path"

export interface Mirror {
  readonly url: string
  /** What it serves, by path. */
  readonly files: Map<string, Buffer | string>
  /** The paths that were asked for. */
  readonly asked: Array<string>
}

export const make: Effect.Effect<Mirror, never, Scope.Scope> = Effect.gen(function* () {
  const files = new Map<string, Buffer | string>()
  const asked: Array<string> = []
  const server = yield* Effect.acquireRelease(
    Effect.callback<Http.Server>((resume) => {
      const server = Http.createServer((request, response) => {
        const path = decodeURIComponent(request.url ?? "/").replace(/\?.*$/, "")
        asked.push(path)
        const file = files.get(path)
        const type = path.endsWith("/") ? "text/html" : "application/octet-stream"
        response.writeHead(file === undefined ? 404 : 200, { "content-type": type, connection: "close" }).end(file)
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
  const address = server.address()
  const port = address === null || typeof address === "string" ? 0 : address.port
  return { url: `http://127.0.0.1:${port}`, files, asked }
})

/** An archive of programs and files, packed by the computer's own tar. */
export const tarball = (files: Readonly<Record<string, string | Buffer>>): Buffer => {
  const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "toehold-tarball-"))
  try {
    for (const [name, content] of Object.entries(files)) {
      Fs.mkdirSync(Path.dirname(Path.join(folder, name)), { recursive: true })
      Fs.writeFileSync(Path.join(folder, name), content, { mode: 0o755 })
    }
    return execFileSync("tar", ["-czf", "-", "-C", folder, ...Fs.readdirSync(folder)], { maxBuffer: 64 * 1024 * 1024 })
  } finally {
    Fs.rmSync(folder, { recursive: true, force: true })
  }
}

export const sha256 = (bytes: Buffer): string => Crypto.createHash("sha256").update(bytes).digest("hex")

/** Bytes that no program makes smaller. */
export const noise = (size: number): Buffer =>
  Buffer.concat(
    Array.from({ length: Math.ceil(size / 32) }, (_, index) => Buffer.from(sha256(Buffer.from(`${index}`)), "hex"))
  )

/** The same archive with one byte of it flipped. */
export const damaged = (bytes: Buffer): Buffer => {
  const copy = Buffer.from(bytes)
  const at = copy.length >> 1
  copy.writeUInt8(copy.readUInt8(at) ^ 0xff, at)
  return copy
}

/** A package of npm's with one program, as the registry at `url` has it. */
export const npmPackage = (url: string, name: string, program: string): ReadonlyArray<readonly [string, Buffer]> => {
  const archive = tarball({
    "package/package.json": JSON.stringify({ name, version: "9.9.9", bin: { [program]: "cli.sh" } }),
    "package/cli.sh": `#!/bin/sh\necho "${program} 9.9.9"\n`
  })
  const path = `/${name}/-/${program}-9.9.9.tgz`
  const dist = {
    tarball: `${url}${path}`,
    integrity: `sha512-${Crypto.createHash("sha512").update(archive).digest("base64")}`
  }
  const version = { name, version: "9.9.9", bin: { [program]: "cli.sh" }, dist }
  const document = { name, "dist-tags": { latest: "9.9.9" }, versions: { "9.9.9": version } }
  return [
    [`/${name}`, Buffer.from(JSON.stringify(document))],
    [path, archive]
  ]
}

const wheelProgram = `
import sys, zipfile, io
name = sys.argv[1]
info = name + "-9.9.dist-info/"
data = io.BytesIO()
with zipfile.ZipFile(data, "w") as z:
    z.writestr(name + "/__init__.py", "")
    z.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: " + name + "\\nVersion: 9.9\\n")
    z.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    z.writestr(info + "RECORD", "")
sys.stdout.buffer.write(data.getvalue())
`

/** An empty Python package, as an index of packages has it below `/simple`. */
export const pythonPackage = (python: string, name: string): ReadonlyArray<readonly [string, Buffer]> => {
  const wheel = execFileSync(python, ["-c", wheelProgram, name])
  const file = `${name}-9.9-py3-none-any.whl`
  const page = `<a href="/files/${file}#sha256=${sha256(wheel)}">${file}</a>`
  return [
    [`/simple/${name}/`, Buffer.from(page)],
    [`/files/${file}`, wheel]
  ]
}
