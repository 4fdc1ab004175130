import { execFile } from "node:child_process"
import { expect, it } from "vitest"
import { describeWith } from "@toehold/lab/RealPart"

const start = (args: ReadonlyArray<string>): Promise<{ readonly code: number; readonly output: string }> =>
  new Promise((resolve) => {
    const script = new URL("../scripts/start.ts", import.meta.url).pathname
    execFile(process.execPath, [script, ...args], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, output: `${stdout}${stderr}` })
    })
  })

describeWith(["sshd"], "npm start", () => {
  it("starts a server, checks the way to it and runs a command there", async () => {
    const { code, output } = await start([])
    expect(output).toContain("A private SSH server runs on 127.0.0.1:")
    for (const stage of ["dns", "tcp", "banner", "key exchange", "host key", "auth", "channel", "sftp", "shell"]) {
      expect(output).toMatch(new RegExp(`^ok +${stage} `, "m"))
    }
    expect(output).toMatch(/^Hello from /m)
    expect(output).toContain("npm start -- root@host")
    expect(code).toBe(0)
  })

  it("does the same on a machine that is named, and says what is wrong with it", async () => {
    const { code, output } = await start(["root@127.0.0.1:1", "-F", "none"])
    expect(output).toContain("127.0.0.1:1 refused the connection")
    expect(code).toBe(69)
  })
})
