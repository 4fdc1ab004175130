import { describe, expect, it } from "@effect/vitest"
import * as Screen from "../../src/internal/screen.ts"

const words = "Kernel panic - not syncing: sysrq triggered crash"
const panic = `[   12.000001] ${words}\r\n[   12.000200] CPU: 0\r\n[   12.1] ---[ end ${words} ]---\r\n`

describe("look", () => {
  it.each([
    ["Debian GNU/Linux 12 vm ttyS0\r\n\r\nvm login: ", "login"],
    ["vm login: agent\r\nPassword: ", "login"],
    ["$ echo 'login: '\r\nlogin: \r\n$ ", "shell"],
    ["\u001b[?2004h\u001b[01;32magent@vm\u001b[00m:\u001b[01;34m~\u001b[00m$ ", "shell"],
    ["/ # \u001b[6n", "shell"],
    ["$ echo 'one\r\n> ", "continuation"],
    ["[  OK  ] Reached target Basic System.\r\n", "booting"],
    ["[    0.000000] Linux version 6.1.0\r\n", "booting"],
    [panic, "panicked"],
    [`${panic}[    0.000000] Linux version 6.1.0\r\nWelcome\r\nvm login: `, "login"],
    [`${panic}SeaBIOS\r\nBooting\r\n/ # `, "shell"],
    ["some output without an end", undefined],
    ["", undefined]
  ] as const)("of %j is %s", (text, sight) => expect(Screen.look(text)).toBe(sight))
})

it("finds the kernel's words, and the last lines that a person sees", () => {
  expect(Screen.panicIn(panic)).toBe(words)
  expect(Screen.panicIn("no panic")).toBeUndefined()
  expect(Screen.seen("\u001b[2Jone\r\n\r\ntwo \r\nthree\r\nfour")).toBe("two / three / four")
})
