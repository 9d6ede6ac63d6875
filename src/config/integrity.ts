/** The SHA-256 in hex that `sha256-<base64>` or `sha256:<hex>` says. */
export function sha256OfIntegrity(integrity: string): string {
  const value = integrity.slice('sha256-'.length);
  return integrity.startsWith('sha256-') ? Buffer.from(value, 'base64').toString('hex') : value.toLowerCase();
}
