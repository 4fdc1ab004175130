import { expect, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ChildProcess from "node:child_process"
import { isPlain } from "../../src/internal/plainScript.ts"

it.each([
  "true",
  "echo hello",
  "ls -l /tmp | wc -l",
  "cat file >out 2>&1",
  "test -f a && echo 'it is there' || echo \"it is not\"",
  "cd /; ls *.txt"
])("is plain: %s", (script) => expect(isPlain(script)).toBe(true))

it.each([
  "",
  "echo $HOME",
  "echo `id`",
  "sleep 1 &",
  "echo one # two",
  "if true; then echo; fi",
  "A=1 env",
  "exec ls",
  "cat <<EOF",
  "echo 'one",
  "echo one;",
  "echo one\necho two",
  "break",
  "{ echo; }",
  "echo one >",
  "echo one >2>&1",
  "echo a\\ b"
])("is not plain: %j", (script) => expect(isPlain(script)).toBe(false))

const Token = Schema.Literals(
  "a b 1 2 ' \" ; | & && || > < >> 2>&1 >&2 $ ( ) { } ! # \\ * if do = ~ - [ ]".split(" ") as ReadonlyArray<string>
)
const Tokens = Schema.Array(Schema.Union([Token, Schema.Literal(" ")]))

it.prop(
  "calls nothing plain that a shell can't parse",
  { tokens: Tokens },
  ({ tokens }) => {
    const script = tokens.join("")
    if (!isPlain(script)) return
    expect([script, ChildProcess.spawnSync("/bin/sh", ["-n"], { input: script }).status]).toEqual([script, 0])
  },
  { arbitrary: { runs: 300 } }
)
