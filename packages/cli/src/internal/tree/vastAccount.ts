/** `toehold vast keys` and `toehold vast env`: what an account keeps for its instances. */
import { yesFlag } from "../confirm.ts"
import type { ArgumentSpec, CommandSpec, FlagSpec } from "../commandSpec.ts"

const jsonFlag: FlagSpec = { name: "json", summary: "Print one JSON document" }
const instance: ArgumentSpec = { name: "ID", summary: "the instance's number, or vast:ID" }
const key: ArgumentSpec = {
  name: "KEY.pub",
  summary: "the public key (default: ~/.ssh/id_vast.pub, else id_ed25519, id_ecdsa or id_rsa)",
  isOptional: true,
  isFile: true
}
const keyId: ArgumentSpec = { name: "KEY_ID", summary: "the key's number, see: toehold vast keys list" }
const variable: ArgumentSpec = { name: "NAME", summary: "the variable" }

const loadKeys = () => import("../command/vast/keys.ts")
const loadEnv = () => import("../command/vast/environment.ts")

export const vastKeys: CommandSpec = {
  name: "keys",
  summary: "The SSH keys of the account, and of an instance",
  children: [
    {
      name: "list",
      summary: "The keys of the account, or of an instance",
      arguments: [{ ...instance, isOptional: true }],
      flags: [jsonFlag],
      document: '{"keys":[{"id","name","type","fingerprint","comment","publicKey","createdAt"}]}',
      load: () => loadKeys().then(({ vastKeysList }) => vastKeysList)
    },
    {
      name: "add",
      summary: "Add a public key to the account, for instances to come",
      arguments: [key],
      flags: [jsonFlag],
      document: '{"id","fingerprint","status":"added"|"present"}',
      load: () => loadKeys().then(({ vastKeysAdd }) => vastKeysAdd)
    },
    {
      name: "remove",
      summary: "Remove a key from the account",
      arguments: [keyId],
      flags: [yesFlag, jsonFlag],
      document: '{"id","status":"removed"}',
      load: () => loadKeys().then(({ vastKeysRemove }) => vastKeysRemove)
    },
    {
      name: "attach",
      summary: "Let a public key into an instance that there is",
      description: "It may take two minutes to let you in.",
      arguments: [instance, key],
      flags: [jsonFlag],
      document: '{"instance","fingerprint","status":"attached"|"already-attached"}',
      load: () => loadKeys().then(({ vastKeysAttach }) => vastKeysAttach)
    },
    {
      name: "detach",
      summary: "Take a key away from an instance",
      arguments: [instance, keyId],
      flags: [jsonFlag],
      document: '{"instance","key","status":"detached"}',
      load: () => loadKeys().then(({ vastKeysDetach }) => vastKeysDetach)
    }
  ]
}

export const vastEnv: CommandSpec = {
  name: "env",
  summary: "The variables that every new instance of the account gets",
  children: [
    {
      name: "list",
      summary: "Their names; nobody is shown their values",
      flags: [jsonFlag],
      document: '{"variables":["NAME",...]}',
      load: () => loadEnv().then(({ vastEnvList }) => vastEnvList)
    },
    {
      name: "set",
      summary: "Set a variable, which new instances get",
      arguments: [variable],
      flags: [
        { name: "value-env", value: "NAME", summary: "Environment variable with the value" },
        { name: "value-file", value: "FILE", isFile: true, summary: "File with the value; - for standard input" },
        jsonFlag
      ],
      examples: [{ command: "toehold vast env set HF_TOKEN --value-env HF_TOKEN", summary: "as it is set here" }],
      document: '{"name","status":"created"|"updated"}',
      load: () => loadEnv().then(({ vastEnvSet }) => vastEnvSet)
    },
    {
      name: "remove",
      summary: "Remove a variable",
      arguments: [variable],
      flags: [yesFlag, jsonFlag],
      document: '{"name","status":"removed"}',
      load: () => loadEnv().then(({ vastEnvRemove }) => vastEnvRemove)
    }
  ]
}
