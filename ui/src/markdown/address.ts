/** The address if it is one that a reader may be offered: http, https or mailto. */
export function offered(address: string): string | undefined {
  // Browsers drop these while they read an address, so they could hide a scheme.
  if (/[\u0000-\u0020\u007f]/.test(address)) return undefined;
  if (!/^(https?:\/\/|mailto:)/i.test(address)) return undefined;
  return URL.canParse(address) ? address : undefined;
}

/** The address if it is a picture that is here already. Vector graphics are not: they are documents of their own. */
export function picture(address: string): string | undefined {
  return /^data:image\/(png|jpeg|gif|webp);base64,[a-z0-9+/=]+$/i.test(address) ? address : undefined;
}
