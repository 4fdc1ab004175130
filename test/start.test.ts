import { execFile } from "node:child_process"
import { expect, it } from "vitest"
import { describeWith } from "@toehold/lab/RealPart"

const start = (args: ReadonlyArray<string>): Promise<{ readonly code: number; readonly output: string }> =>
  new Promise((resolve) => {
    const script = new URL("../scripts/start.ts", import.meta.url).pathname
    execFile(process.execPath, [script, ...args], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, output: `${stderr}${stdout}` })
    })
  })

describeWith(["sshd"], "npm start", () => {
  it("brings an instance that was just rented to a URL that answers, its last line", async () => {
    const { code, output } = await start([])
    expect(output).toContain("A simulator of Vast.ai runs at http://127.0.0.1:")
    for (const step of [
      "identity",
      "registration",
      "instance",
      "port",
      "login",
      "provisioning",
      "services",
      "tunnel"
    ]) {
      expect(output).toMatch(new RegExp(`^(ok|--) +${step} `, "m"))
    }
    expect(output).toMatch(/\nhttps:\/\/[a-z0-9-]+\.trycloudflare\.com\n$/)
    expect(output).not.toContain("hf_for_the_demonstration")
    expect(output).toContain("npm start -- root@host")
    expect(code).toBe(0)
  })

  it("looks at the way to a machine that is named, and says what is wrong with it", async () => {
    const { code, output } = await start(["root@127.0.0.1:1", "-F", "none"])
    expect(output).toContain("127.0.0.1:1 refused the connection")
    expect(code).toBe(69)
  })
})
