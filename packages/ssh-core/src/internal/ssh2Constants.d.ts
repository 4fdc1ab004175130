declare module "ssh2/lib/protocol/constants.js" {
  const constants: {
    readonly DEFAULT_KEX: ReadonlyArray<string>
    readonly SUPPORTED_KEX: ReadonlyArray<string>
    readonly DEFAULT_SERVER_HOST_KEY: ReadonlyArray<string>
    readonly DEFAULT_CIPHER: ReadonlyArray<string>
    readonly SUPPORTED_CIPHER: ReadonlyArray<string>
    readonly DEFAULT_MAC: ReadonlyArray<string>
    readonly SUPPORTED_MAC: ReadonlyArray<string>
  }
  export default constants
}
