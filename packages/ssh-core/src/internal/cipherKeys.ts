import { createSecretKey, KeyObject } from "node:crypto"
import type * as Ssh2 from "ssh2"

/** The parts of the driver that hold the keys of a connection; AES-GCM alone makes a cipher anew for each packet. */
interface Inner {
  readonly _protocol?: {
    readonly _cipher?: { _encSSLName?: unknown; _encKey?: unknown; _encIV?: unknown }
    readonly _decipher?: { _decipherSSLName?: unknown; _decipherKey?: unknown; _decipherIV?: unknown }
  }
}

const isGcm = (name: unknown): boolean => typeof name === "string" && name.endsWith("-gcm")

const prepared = (key: unknown): unknown =>
  key instanceof Uint8Array && !(key instanceof KeyObject) ? createSecretKey(key) : key

/**
 * Keeps the session keys as Node's own objects, now and after each later key exchange. The driver has them as bytes, which
 * Node makes an object of for every packet: about as much work as the encryption itself.
 */
export const prepare = (client: Ssh2.Client): void => {
  const swap = () => {
    const { _cipher: cipher, _decipher: decipher } = (client as unknown as Inner)._protocol ?? {}
    if (cipher !== undefined && isGcm(cipher._encSSLName)) cipher._encKey = prepared(cipher._encKey)
    if (decipher !== undefined && isGcm(decipher._decipherSSLName)) {
      decipher._decipherKey = prepared(decipher._decipherKey)
    }
  }
  swap()
  client.on("handshake", swap)
}
