/** A folder for one test file, and the key tools run in it. */
import { path as programPath, type PartName } from "@toehold/lab/RealPart"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

export class KeyFolder {
  readonly path = Fs.mkdtempSync(Path.join(Os.tmpdir(), "toehold-keys-"))

  file(name: string): string {
    return Path.join(this.path, name)
  }

  write(name: string, content: string | Uint8Array): string {
    Fs.writeFileSync(this.file(name), content, { mode: 0o600 })
    return this.file(name)
  }

  read(name: string): string {
    return Fs.readFileSync(this.file(name), "utf8")
  }

  /** What the program printed. */
  run(program: PartName, ...args: ReadonlyArray<string>): string {
    return execFileSync(programPath(program), args, {
      cwd: this.path,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, SSH_ASKPASS_REQUIRE: "never", DISPLAY: "" }
    })
  }

  remove(): void {
    Fs.rmSync(this.path, { recursive: true, force: true })
  }
}

/** Options of `ssh-keygen` and of `puttygen`, one key of each kind that they make. */
export const kinds = [
  { kind: "ed25519", options: ["-t", "ed25519"] },
  { kind: "rsa", options: ["-t", "rsa", "-b", "2048"] },
  { kind: "ecdsa256", options: ["-t", "ecdsa", "-b", "256"] },
  { kind: "ecdsa384", options: ["-t", "ecdsa", "-b", "384"] },
  { kind: "ecdsa521", options: ["-t", "ecdsa", "-b", "521"] }
]
