/** What `read` gives, read when it is first asked for and kept from then on. A failure is kept as well. */
export function once<T>(read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined;
  return () => {
    reading ??= read();
    return reading;
  };
}
