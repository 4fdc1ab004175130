import { assert, describe, it } from "@effect/vitest"
import { classify, lineOf } from "../../src/internal/gitFailure.ts"
import { GitProgress } from "../../src/internal/gitProgress.ts"

const tagOf = (stderr: string, exitCode = 128, hasCredentials = false): string =>
  classify({ exitCode, stderr, branch: "x", path: "/w", url: "git@example.org:x", hasCredentials })._tag

const url = "https://example.org/a/b.git"

describe("classify", () => {
  it.each([
    [`fatal: could not read Username for '${url}': terminal prompts disabled`, "RepositoryPrivate"],
    [`remote: Invalid username or token.\nfatal: Authentication failed for '${url}/'`, "RepositoryPrivate"],
    [`fatal: unable to access '${url}/': The requested URL returned error: 403`, "RepositoryPrivate"],
    [
      "git@example.org: Permission denied (publickey).\r\nfatal: Could not read from remote repository.",
      "RepositoryPrivate"
    ],
    [`remote: Repository not found.\nfatal: repository '${url}/' not found`, "RepositoryMissing"],
    ["ERROR: Repository not found.\nfatal: Could not read from remote repository.", "RepositoryMissing"],
    ["fatal: remote error: access denied or repository not exported: /x.git", "RepositoryMissing"],
    ["fatal: repository '/x' does not exist", "RepositoryMissing"],
    [`fatal: unable to access '${url}/': Could not resolve host: example.org`, "RepositoryUnreachable"],
    [
      `fatal: unable to access '${url}/': Failed to connect to example.org port 443 after 3 ms: Couldn't connect to server`,
      "RepositoryUnreachable"
    ],
    [
      "ssh: connect to host example.org port 22: Connection timed out\nfatal: Could not read from remote repository.",
      "RepositoryUnreachable"
    ],
    [
      "error: RPC failed; curl 56 GnuTLS recv error (-110)\nfatal: early EOF\nfatal: fetch-pack: invalid index-pack output",
      "RepositoryUnreachable"
    ],
    [
      "fatal: unable to connect to example.org:\nexample.org[0: 10.0.0.1]: errno=Connection refused",
      "RepositoryUnreachable"
    ],
    ["Host key verification failed.\nfatal: Could not read from remote repository.", "RepositoryHostUnknown"],
    [
      "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\nHost key verification failed.",
      "RepositoryHostChanged"
    ],
    ["error: cannot run ssh: No such file or directory\nfatal: unable to fork", "SshMissing"],
    [
      `fatal: unable to access '${url}/': server certificate verification failed. CAfile: none CRLfile: none`,
      "RepositoryUntrusted"
    ],
    [`fatal: unable to access '${url}/': SSL certificate problem: certificate is not yet valid`, "RepositoryUntrusted"],
    [
      "warning: Could not find remote branch x to clone.\nfatal: Remote branch x not found in upstream origin",
      "BranchUnknown"
    ],
    [
      "error: unable to write file y\nfatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output",
      "NoSpace"
    ],
    ["fatal: something that nobody has seen", "RepositoryFailed"],
    ["", "RepositoryFailed"]
  ])("%s", (stderr, tag) => {
    assert.strictEqual(tagOf(stderr), tag)
  })

  it("is quick with any text", () => {
    for (const text of [
      "repository ",
      "Remote branch ",
      "certificate ",
      "fatal: ",
      "a",
      "\r",
      "password authentication "
    ]) {
      assert.isString(tagOf(text.repeat(64_000 / text.length)))
    }
  })
})

describe("lineOf", () => {
  it("is the first of git's own", () => {
    assert.strictEqual(lineOf("Cloning into '/w'...\nwarning: x\nfatal: no.\nfatal: other"), "no")
    assert.strictEqual(lineOf("Cloning into '/w'...\n"), "")
    const refused =
      "a@b: Permission denied (publickey).\r\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n"
    assert.strictEqual(lineOf(refused), "a@b: Permission denied (publickey)")
  })
})

describe("GitProgress", () => {
  it("tells a few of the lines, however they are cut", () => {
    const text = Array.from(
      { length: 101 },
      (_, at) => `Receiving objects: ${String(at).padStart(3)}% (${at}/100), 1.${at} MiB | 2 MiB/s\r`
    ).join("")
    const whole = new GitProgress().push(text)
    assert.deepStrictEqual(whole, [
      "Receiving objects: 0% (1.0 MiB)",
      "Receiving objects: 20% (1.20 MiB)",
      "Receiving objects: 40% (1.40 MiB)",
      "Receiving objects: 60% (1.60 MiB)",
      "Receiving objects: 80% (1.80 MiB)",
      "Receiving objects: 100% (1.100 MiB)"
    ])
    const cut = new GitProgress()
    assert.deepStrictEqual(
      [...text].flatMap((char) => cut.push(char)),
      whole
    )
  })
})
