declare module "bcrypt-pbkdf" {
  const bcrypt: {
    /** The inner hash of bcrypt_pbkdf: two SHA-512 digests in, 32 bytes into `out`. */
    readonly hash: (sha512Pass: Uint8Array, sha512Salt: Uint8Array, out: Uint8Array) => void
  }
  export default bcrypt
}
