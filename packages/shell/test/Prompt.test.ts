import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Prompt from "@toehold/shell/Prompt"

// As the programs print them; some with the colours, returns and spaces that they print around them.
const asked: Readonly<Record<Prompt.Kind, ReadonlyArray<string>>> = {
  sudo: ["[sudo] password for ada: ", "[sudo] Passwort für ada: ", "[sudo: authenticate] Password: "],
  password: [
    "Password: ",
    "ada@host's password: ",
    "Password for 'https://ada@github.com': ",
    "(current) UNIX password: ",
    "Enter new UNIX password: ",
    "Retype new password:",
    "Enter password for PKCS12 file: ",
    "\x1b[1mEnter PIN for 'token':\x1b[0m ",
    "Verification code: ",
    "[sudo] password for ada: \nPassword: "
  ],
  passphrase: [
    "Enter passphrase for key '/root/.ssh/id_ed25519': ",
    "Enter passphrase (empty for no passphrase): ",
    "Enter PEM pass phrase:",
    "Enter same passphrase again: "
  ],
  username: ["Username for 'https://github.com': ", "Username: ", "debian login: ", "Email: "],
  "host-key": [
    "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
    "Are you sure you want to continue connecting (yes/no)? ",
    "Please type 'yes', 'no' or the fingerprint: "
  ],
  confirmation: [
    "Do you want to continue? [Y/n] ",
    "Is this ok [y/d/N]: ",
    "Proceed ([y]/n)? ",
    "Proceed with operation (y|n)? ",
    "Ok to proceed? (y) ",
    "Continue? [y/n/v/...? shows all options] (y): ",
    "*** config (Y/I/N/O/D/Z) [default=N] ? ",
    "replace a.txt? [y]es, [n]o, [A]ll, [N]one, [r]ename: ",
    "Overwrite (y/n)? ",
    "remove write-protected regular file 'a'? (yes/no) [no] ",
    "Press any key to continue . . .",
    "Press [ENTER] to continue or Ctrl-c to cancel adding it.",
    "Are you sure?"
  ],
  pager: [
    "--More--",
    "--More--(12%)",
    "\x1b[7m--More--\x1b[27m",
    "~\r\n(END)",
    ":",
    "lines 1-23/80 28%",
    "\x1b[7m(END)\x1b[27m\x1b[K"
  ],
  input: ["Which one? ", "Project name: ", ">>> ", "root@host:~# ", "mysql> "]
}

const notAsked = [
  "",
  "done\n",
  "Password: \n",
  "Password: \r\n",
  "Do you want to continue? [Y/n] y",
  "Reading package lists...",
  "Reading package lists... Done\nBuilding dependency tree",
  "[Y/n] is what it asked"
]

describe("Prompt.atEnd", () => {
  for (const [kind, texts] of Object.entries(asked)) {
    it(`knows ${kind}`, () => {
      for (const text of texts) {
        assert.strictEqual(Prompt.atEnd(text)?.kind, kind, text)
        assert.strictEqual(Prompt.atEnd(`some\noutput before\r\n${text}`)?.kind, kind, text)
        assert.match(Prompt.atEnd(text)?.fix ?? "", /^\S.*\.$/)
      }
    })
  }

  it("knows what is none", () => {
    for (const text of notAsked) assert.isUndefined(Prompt.atEnd(text), text)
  })

  it("shows the question on one line, without escape sequences", () => {
    assert.strictEqual(Prompt.atEnd("a\n\x1b[31m\x07Pass\x1b[0mword:\x1b]0;title\x07 ")?.text, "Password:")
    assert.strictEqual(Prompt.atEnd(`50%\rPassword: `)?.text, "Password:")
    assert.strictEqual(Prompt.atEnd(`${"x".repeat(5000)} password: `)?.text.length, 200)
  })

  const piece = Schema.Union([
    Schema.String,
    Schema.Literals(["password", "[", "(", "y/", "\x1b[", "\x1b]", ":", "?", "\r", "\n", "passphrase ", "PIN", " "])
  ])
  it.prop(
    "takes any text, and nothing that ends a line",
    { pieces: Schema.Array(piece) },
    ({ pieces }) => {
      const text = pieces.join("")
      const prompt = Prompt.atEnd(text)
      if (prompt !== undefined) assert.match(prompt.text, /^[^\p{Cc}]{1,200}$/u)
      assert.isUndefined(Prompt.atEnd(`${text}\n`))
      Prompt.inFailure(text)
    },
    { arbitrary: { runs: 300 } }
  )

  it("needs no longer for a hostile text", () => {
    for (const unit of ["password ", "[y/", "\x1b[", "\x1b]", "passphrase", "?(y", "press ", "a@b's password"]) {
      const text = unit.repeat(200_000)
      const begin = performance.now()
      Prompt.atEnd(text)
      Prompt.inFailure(text)
      assert.isBelow(performance.now() - begin, 200, unit)
    }
  })
})

describe("Prompt.inFailure", () => {
  it("knows what a command failed for want of", () => {
    const failures: ReadonlyArray<readonly [Prompt.Kind, string]> = [
      [
        "sudo",
        "sudo: a terminal is required to read the password; either use the -S option\nsudo: a password is required\n"
      ],
      ["sudo", "sudo: a password is required\n"],
      ["username", "fatal: could not read Username for 'https://github.com': No such device or address\n"],
      ["host-key", "Host key verification failed.\r\n"],
      ["confirmation", "After this operation, 12 MB will be used.\nDo you want to continue? [Y/n] Abort.\n"],
      ["confirmation", "Is this ok [y/N]: Operation aborted.\n"],
      ["password", "Password: "]
    ]
    for (const [kind, text] of failures) assert.strictEqual(Prompt.inFailure(text)?.kind, kind, text)
    assert.include(Prompt.inFailure(failures[4]?.[1] ?? "")?.text ?? "", "continue? [Y/n] Abort.")
  })

  it("leaves other failures alone", () => {
    for (const text of ["", "make: *** [all] Error 2\n", "Which one? ", "the password is a secret: no\n"]) {
      assert.isUndefined(Prompt.inFailure(text), text)
    }
  })
})
