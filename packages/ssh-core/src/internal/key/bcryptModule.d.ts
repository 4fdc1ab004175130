declare module "bcrypt-pbkdf" {
  const bcrypt: {
    /** The inner hash of bcrypt_pbkdf: two SHA-512 digests in, 32 bytes into `out`. */
    readonly hash: (sha512Pass: Uint8Array, sha512Salt: Uint8Array, out: Uint8Array) => void
    /** The whole of bcrypt_pbkdf in one go. */
    readonly pbkdf: (
      pass: Uint8Array,
      passLength: number,
      salt: Uint8Array,
      saltLength: number,
      key: Uint8Array,
      keyLength: number,
      rounds: number
    ) => number
  }
  export default bcrypt
}
