/** What the simulator answers: the service's own bodies, statuses and content types. */

export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

export const json = (body: unknown, status = 200): Answer => ({
  status,
  contentType: "application/json",
  body: JSON.stringify(body)
})

export const text = (body: string, status = 200): Answer => ({ status, contentType: "text/plain", body })

export const done: Answer = json({ success: true })

export const refuse = (status: number, error: string, msg: string): Answer =>
  json({ success: false, error, msg }, status)

export const noSuchInstance = (id: string | number): Answer =>
  refuse(404, "no_such_instance", `Instance ${id} not found.`)

/** The page limit and such are documented without `success`. */
export const invalid = (error: string, msg: string): Answer => json({ error, msg }, 400)
