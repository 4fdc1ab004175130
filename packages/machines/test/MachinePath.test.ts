import { assert, describe, it } from "@effect/vitest"
import * as SshTarget from "@toehold/ssh-core/SshTarget"
import { Result, Schema } from "effect"
import * as MachinePath from "../src/MachinePath.ts"

const read = (text: string, os = "linux") =>
  Result.match(MachinePath.parse(text, { platform: { os } }), {
    onFailure: ({ reason }) => `no: ${reason.message}`,
    onSuccess: ({ machine, path }) => `${machine ?? "here"} | ${path}`
  })

const known: ReadonlyArray<readonly [string, string]> = [
  ["web:/srv/x", "web | /srv/x"],
  ["web:x y", "web | x y"],
  ["web:", "web | ."],
  ["web:~", "web | ."],
  ["web:~/x", "web | x"],
  ["root@host:/a:b", "root@host | /a:b"],
  ["root@host:2222:/x", "root@host:2222 | /x"],
  ["root@host:2222:", "root@host:2222 | ."],
  ["root@host:./2222", "root@host | ./2222"],
  ["root@host:123456:/x", "root@host | 123456:/x"],
  ["[::1]:/x", "[::1] | /x"],
  ["me@[fe80::1]:2222:x", "me@[fe80::1]:2222 | x"],
  ["ssh://root@host:22/srv/x", "ssh://root@host:22 | /srv/x"],
  ["ssh://host/~/x", "ssh://host | x"],
  ["scp://[::1]:22/", "ssh://[::1]:22 | /"],
  ["local:/x", "local: | /x"],
  ["local:x:y", "local: | x:y"],
  ["vast:123:/root/x", "vast:123 | /root/x"],
  ["serial:fifo:/run/a.in,/run/a.out:/x", "serial:fifo:/run/a.in,/run/a.out | /x"],
  ["serial:tcp:[::1]:7000:/x:y", "serial:tcp:[::1]:7000 | /x:y"],
  ["serial:tty:/dev/ttyS0:x", "serial:tty:/dev/ttyS0 | x"],
  ["ssh -i ~/.ssh/k -p 2222 root@host:/srv/x", "ssh -i ~/.ssh/k -p 2222 root@host | /srv/x"],
  ["ssh -p 1 root@h -L 8080:localhost:8080:/x", "ssh -p 1 root@h -L 8080:localhost:8080 | /x"],
  ["ssh -p 1 root@[::1]:x", "ssh -p 1 root@[::1] | x"],
  ["/usr/bin/ssh host:/x", "/usr/bin/ssh host | /x"],
  ["./a:b", "here | ./a:b"],
  ["/a:b", "here | /a:b"],
  ["dir/a:b", "here | dir/a:b"],
  ["a", "here | a"],
  ["[a]", "here | [a]"],
  ["ssh", "here | ssh"],
  ["C:\\x", "C | \\x"]
]

describe("a path on a machine", () => {
  it.each(known)("%s", (text, expected) => assert.strictEqual(read(text), expected))

  it("is a local one by its drive or its backslash on Windows alone", () => {
    for (const text of ["C:\\x", "c:/x", "C:x", "C:", "\\\\server\\share\\a:b", "dir\\a:b"]) {
      assert.strictEqual(read(text, "win32"), `here | ${text}`)
    }
    assert.strictEqual(read("web:/x", "win32"), "web | /x")
    assert.strictEqual(read("web:C:\\x", "win32"), "web | C:\\x")
  })

  it("is refused where it can be meant two ways, or is not whole", () => {
    for (const text of [
      "",
      "host:2222",
      "vast:123",
      "serial:tty:/dev/ttyS0",
      "ssh://host",
      ":x",
      "user@:x",
      "web:~bob/x",
      "a\0b"
    ]) {
      assert.match(read(text), /^no: /, text)
    }
    assert.match(read("ssh -p 2222 root@host"), /no path/)
    assert.isTrue(Result.isFailure(MachinePath.parseRemote("./x")))
  })

  const word = Schema.Literals([
    "web",
    "root@host",
    "host",
    "me@[::1]",
    "[fe80::1]",
    "a.b-c",
    "ssh -p 22 me@h",
    "ssh://u@h:22",
    "vast:7"
  ])
  const path = Schema.String.pipe(Schema.check(Schema.makeFilter((text: string) => !text.includes("\0"))))

  it.prop("gives back the machine and any path from the root on", { word, path }, ({ path, word }) => {
    const text = word.startsWith("ssh://") ? `${word}/${path}` : `${word}:/${path}`
    const whole = `/${path}`
    // A path of an address that begins with ~ is in the login folder.
    if (word.startsWith("ssh://") && whole.startsWith("/~")) return
    assert.deepStrictEqual(MachinePath.parse(text), Result.succeed({ machine: word, path: whole }))
    assert.isTrue(word === "vast:7" || Result.isSuccess(SshTarget.parse(word)))
  })

  it.prop("answers any text, on every platform", { text: Schema.String }, ({ text }) => {
    for (const os of ["linux", "win32"]) assert.isString(read(text, os))
  })

  it("answers long texts at once", () => {
    for (const text of [
      ":".repeat(60_000),
      `ssh ${"a:".repeat(30_000)}`,
      `${"[".repeat(30_000)}:`,
      "a".repeat(60_000)
    ]) {
      assert.isString(read(text))
    }
  })
})
