import type { Duration } from "effect"

/**
 * The pauses that the service asks for, where its answers have named them. Elsewhere one second does, and a refusal that
 * names a longer pause is heeded from then on.
 */
const known: Readonly<Record<string, Duration.Input>> = {
  "GET /api/v1/instances/": "2 seconds",
  "DELETE /api/v0/instances/{id}/": "3 seconds"
}

export const intervalOf = (endpoint: string): Duration.Input => known[endpoint] ?? "1 second"
