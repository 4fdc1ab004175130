/** Why a request got no answer, from what Node's HTTP clients say of it. */

/** Nothing was sent. */
const before = new Map<string, string>([
  ["ECONNREFUSED", "the connection was refused"],
  ["ENOTFOUND", "the host name is unknown"],
  ["EAI_AGAIN", "the host name could not be looked up"],
  ["EHOSTUNREACH", "there is no way to the host"],
  ["ENETUNREACH", "there is no way to the network"],
  ["UND_ERR_CONNECT_TIMEOUT", "the host did not answer"],
  ["CERT_HAS_EXPIRED", "its certificate has expired"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "its certificate is self-signed"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "its certificate is self-signed"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "its certificate can't be verified"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "its certificate is for another name"]
])

const maxDepth = 5

/** The codes of an error and of what it was caused by; of a host with several addresses there are several. */
const codesOf = (cause: unknown, depth = 0): ReadonlyArray<string> => {
  if (typeof cause !== "object" || cause === null || depth > maxDepth) return []
  const own = "code" in cause && typeof cause.code === "string" ? [cause.code] : []
  const inner = "cause" in cause ? codesOf(cause.cause, depth + 1) : []
  const several = cause instanceof AggregateError ? cause.errors.flatMap((error) => codesOf(error, depth + 1)) : []
  return [...own, ...inner, ...several]
}

/** Whether it was the connection that failed, and not what came over it. */
export const isBrokenOff = (cause: unknown): boolean =>
  codesOf(cause).some((code) => /^(?:UND_ERR_|E[A-Z]+$)/.test(code)) ||
  // What Node's fetch throws while a body comes in, with or without a cause.
  (cause instanceof TypeError && cause.message === "terminated")

export const lostConnection = (cause: unknown): { readonly detail: string; readonly isCertain: boolean } => {
  for (const code of codesOf(cause)) {
    const detail = before.get(code)
    if (detail !== undefined) return { detail, isCertain: true }
  }
  return { detail: "the connection broke off", isCertain: false }
}
