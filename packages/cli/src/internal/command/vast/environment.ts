/** `toehold vast env`: the variables that every new instance of the account gets. */
import { Effect, Redacted, Stream } from "effect"
import * as ExitCode from "../../../ExitCode.ts"
import { StandardStreams } from "../../../StandardStreams.ts"
import { confirm } from "../../confirm.ts"
import type { Handler, Invocation } from "../../commandSpec.ts"
import { secretFromEnvironment } from "../../invocation.ts"
import { readBounded } from "../../machine.ts"
import { plain, print, printJson } from "../../print.ts"
import { vast } from "../../vast/read.ts"

export const vastEnvList: Handler = (invocation) =>
  Effect.gen(function* () {
    const { envVars } = yield* vast
    // The service hides the values, and so does this.
    const names = Object.keys(yield* envVars.list).sort()
    yield* invocation.has("json")
      ? printJson({ variables: names })
      : print(names.length === 0 ? "No variables.\n" : names.map((name) => `${plain(name)}\n`).join(""))
    return ExitCode.done
  })

const maxValueBytes = 64 * 1024

const readName = (invocation: Invocation) => {
  const name = invocation.argument(0)
  return /^[A-Za-z_]\w{0,200}$/.test(name)
    ? Effect.succeed(name)
    : Effect.fail(
        // A value may have been given with it, and must not be repeated.
        invocation.usage("The name of a variable is letters, digits and _: its value is not given here.")
      )
}

const fromInput = Effect.fnUntraced(function* (invocation: Invocation) {
  const { stdin } = yield* StandardStreams
  let size = 0
  const chunks = yield* Stream.runCollect(
    Stream.takeUntil(stdin, (chunk) => {
      size += chunk.length
      return size > maxValueBytes
    })
  )
  if (size <= maxValueBytes) return Buffer.concat(chunks)
  return yield* invocation.usage(`The value is longer than ${maxValueBytes} bytes.`)
})

/** The value, without the line's end that an editor or echo leaves. */
const readValue = Effect.fnUntraced(function* (invocation: Invocation) {
  const variable = invocation.one("value-env")
  const file = invocation.one("value-file")
  if ((variable === undefined) === (file === undefined)) {
    return yield* invocation.usage(
      "Give the value by --value-env NAME or by --value-file FILE, where - is standard input."
    )
  }
  if (variable !== undefined) return yield* secretFromEnvironment("value-env", variable)
  const bytes = file === "-" ? yield* fromInput(invocation) : yield* readBounded(file ?? "", maxValueBytes)
  const value = new TextDecoder().decode(bytes).replace(/\r?\n$/, "")
  return value === "" ? yield* invocation.usage("The value is empty.") : Redacted.make(value)
})

export const vastEnvSet: Handler = (invocation) =>
  Effect.gen(function* () {
    const name = yield* readName(invocation)
    const value = yield* readValue(invocation)
    const { envVars } = yield* vast
    const isThere = Object.hasOwn(yield* envVars.list, name)
    yield* isThere ? envVars.update(name, value) : envVars.create(name, value)
    const status = isThere ? "updated" : "created"
    yield* invocation.has("json")
      ? printJson({ name, status })
      : print(`${name} is ${isThere ? "changed" : "set"}; instances that there are do not see it.\n`)
    return ExitCode.done
  })

export const vastEnvRemove: Handler = (invocation) =>
  Effect.gen(function* () {
    const name = yield* readName(invocation)
    const { envVars } = yield* vast
    const consequence = `This removes the variable ${name} from the account: nobody can read its value any more, and new instances go without it.`
    if (!(yield* confirm(invocation, consequence))) return ExitCode.failed
    yield* envVars.remove(name)
    yield* invocation.has("json") ? printJson({ name, status: "removed" }) : print(`${name} is removed.\n`)
    return ExitCode.done
  })
