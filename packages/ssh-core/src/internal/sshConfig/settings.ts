import type * as PortForward from "../../PortForward.ts"

/** `StrictHostKeyChecking`, its synonyms folded. */
export type StrictHostKeyChecking = "yes" | "no" | "ask" | "accept-new"

/** A list of algorithms, and what it does with the default list. */
export interface AlgorithmList {
  readonly mode: "replace" | "append" | "prepend" | "remove"
  /** Names; with `remove` they may hold `*` and `?`. */
  readonly names: ReadonlyArray<string>
}

/** A keyword that was set to something that can't be honoured. */
export interface Refusal {
  readonly keyword: string
  readonly detail: string
  readonly hint: string | undefined
  readonly location: string | undefined
}

/** What the command line and the files have set so far, in the order that ssh sets it: the first value stays. */
export interface Settings {
  hostName: string | undefined
  port: number | undefined
  user: string | undefined
  readonly identityFiles: Array<string>
  identitiesOnly: boolean | undefined
  identityAgent: string | undefined
  /** Empty for `none`. */
  proxyJump: ReadonlyArray<string> | undefined
  /** `true` once a `ProxyCommand` or a hop has decided how to get there. */
  proxyDecided: boolean
  connectTimeout: number | undefined
  serverAliveInterval: number | undefined
  serverAliveCountMax: number | undefined
  strictHostKeyChecking: StrictHostKeyChecking | undefined
  userKnownHostsFiles: ReadonlyArray<string> | undefined
  globalKnownHostsFiles: ReadonlyArray<string> | undefined
  hostKeyAlias: string | undefined
  compression: boolean | undefined
  clearAllForwardings: boolean | undefined
  addressFamily: "any" | "inet" | "inet6" | undefined
  requestTty: "no" | "yes" | "force" | "auto" | undefined
  sessionType: "none" | "default" | undefined
  ignoreUnknown: string | undefined
  publicKeyAuthentication: boolean | undefined
  passwordAuthentication: boolean | undefined
  keyboardInteractiveAuthentication: boolean | undefined
  preferredAuthentications: string | undefined
  ciphers: AlgorithmList | undefined
  macs: AlgorithmList | undefined
  keyExchange: AlgorithmList | undefined
  hostKeyAlgorithms: AlgorithmList | undefined
  publicKeyAlgorithms: AlgorithmList | undefined
  requiredRsaBits: number | undefined
  readonly forwards: Array<PortForward.PortForward>
  /** First values of the keywords that can't be honoured: `undefined` where the value is harmless. */
  readonly refusals: Map<string, Refusal | undefined>
}

export const emptySettings = (): Settings => ({
  hostName: undefined,
  port: undefined,
  user: undefined,
  identityFiles: [],
  identitiesOnly: undefined,
  identityAgent: undefined,
  proxyJump: undefined,
  proxyDecided: false,
  connectTimeout: undefined,
  serverAliveInterval: undefined,
  serverAliveCountMax: undefined,
  strictHostKeyChecking: undefined,
  userKnownHostsFiles: undefined,
  globalKnownHostsFiles: undefined,
  hostKeyAlias: undefined,
  compression: undefined,
  clearAllForwardings: undefined,
  addressFamily: undefined,
  requestTty: undefined,
  sessionType: undefined,
  ignoreUnknown: undefined,
  publicKeyAuthentication: undefined,
  passwordAuthentication: undefined,
  keyboardInteractiveAuthentication: undefined,
  preferredAuthentications: undefined,
  ciphers: undefined,
  macs: undefined,
  keyExchange: undefined,
  hostKeyAlgorithms: undefined,
  publicKeyAlgorithms: undefined,
  requiredRsaBits: undefined,
  forwards: [],
  refusals: new Map()
})
