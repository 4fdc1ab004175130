/** Files behind a `result_url`: not there at first, then plain text. */
import { Effect } from "effect"
import * as Crypto from "node:crypto"
import { type Answer, text } from "./answer.ts"
import { now } from "./clock.ts"

export interface Results {
  /** Keeps a text, and says where it will be. */
  readonly put: (text: string) => Effect.Effect<string>
  readonly answer: (name: string) => Effect.Effect<Answer>
}

const absent: Answer = {
  status: 403,
  contentType: "application/xml",
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>`
}

export const make = (url: string, delay: () => number): Results => {
  const files = new Map<string, { readonly text: string; readonly from: number }>()
  return {
    put: (text) =>
      Effect.map(now, (time) => {
        const name = `${Crypto.randomUUID()}.log`
        files.set(name, { text, from: time + delay() })
        return `${url}/s3/instance_logs/${name}`
      }),
    answer: (name) =>
      Effect.map(now, (time) => {
        const file = files.get(name)
        return file === undefined || time < file.from ? absent : text(file.text)
      })
  }
}
