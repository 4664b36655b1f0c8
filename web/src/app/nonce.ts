// The nonce that the server allows style elements with, from the page's own head.

export function readNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "";
}
