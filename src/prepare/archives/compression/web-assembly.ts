/** The little that we use of WebAssembly: Node's types leave it to those of browsers. */
export interface WasmMemory {
  /** Another one each time that it grew. */
  buffer: ArrayBuffer;
}

/** A compiled module. */
export type WasmModule = object;

export async function instantiate<Exports>(module: WasmModule, imports: object): Promise<Exports> {
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: { instantiate(module: WasmModule, imports: object): Promise<{ exports: Exports }> };
  };
  return (await WebAssembly.instantiate(module, imports)).exports;
}
