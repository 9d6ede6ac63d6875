/** `api-0`: how a service's hosts are called, on every target. */
export function hostName(service: string, index: number): string {
  return `${service}-${index}`;
}
