/** The part of WebAssembly that is used here: Node has it, its types are those of browsers. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: BufferSource);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }
  class Memory {
    constructor(limits: { initial: number; maximum: number; shared: true });
    readonly buffer: SharedArrayBuffer;
    grow(pages: number): number;
  }
  class RuntimeError extends Error {}
  type BufferSource = ArrayBuffer | Uint8Array<ArrayBuffer>;
  function compile(bytes: BufferSource): Promise<Module>;
  let compileStreaming: (source: Response | Promise<Response>) => Promise<Module>;
}
