import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as TerminalSession from "@toehold/shell/TerminalSession"

describe("TerminalSession", () => {
  it("takes names that tmux and screen keep as they are", () => {
    for (const name of ["a", "web-1", "A_b", "x".repeat(64)]) assert.isTrue(TerminalSession.isName(name), name)
    for (const name of ["", "-a", "a.b", "a:b", "a b", "a\n", "$(id)", "é", "x".repeat(65), "=a"]) {
      assert.isFalse(TerminalSession.isName(name), name)
    }
  })

  it("reads the lists of tmux and screen", () => {
    const output = [
      "sessions tmux",
      "1795178096 0 1 web",
      "1795178100 2 12 a b",
      "sessions screen",
      "There are screens on:",
      "\t4007.old\t(11/20/26 13:00:00)\t(Detached)",
      "\t4008.pair\t(Multi, attached)",
      "\t4009.gone\t(Dead ???)",
      "2 Sockets in /run/screen/S-root."
    ]
    const session = { windows: undefined, createdAt: undefined, program: "screen" } as const
    assert.deepStrictEqual(
      TerminalSession.readList(output.join("\n")),
      Result.succeed([
        { name: "web", program: "tmux", isAttached: false, windows: 1, createdAt: 1_795_178_096_000 },
        { name: "a b", program: "tmux", isAttached: true, windows: 12, createdAt: 1_795_178_100_000 },
        { ...session, name: "old", isAttached: false },
        { ...session, name: "pair", isAttached: true }
      ])
    )
    assert.deepStrictEqual(TerminalSession.readList("no-program\n"), Result.fail("no-program"))
    assert.deepStrictEqual(
      TerminalSession.readList("sessions tmux\nsessions screen\nNo Sockets found\n"),
      Result.succeed([])
    )
  })

  it.prop("reads any text", { text: Schema.String }, ({ text }) => {
    assert.isTrue(Result.isSuccess(TerminalSession.readList(`sessions tmux\n${text}\nsessions screen\n${text}`)))
  })
})
