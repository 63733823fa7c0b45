/**
 * What a signed GET signs in place of a body: the method and the whole address, UTF-8. Over no bytes at all one signature
 * would open every document at every participant, and whoever was asked for one could ask others with it.
 */
export function documentRequest(url: string): Uint8Array {
  return Buffer.from(`GET ${new URL(url).href}`);
}
