/** What travels to and from the threads of the compiler and of programs. */

/** Data that a thread starts with. */
export type ThreadRole =
  | {
      readonly role: 'program';
      readonly image: Uint8Array;
      readonly memory: unknown;
      /** Byte offset of the control block, and of its parts, in 32-bit words. */
      readonly control: { readonly at: number; readonly state: number; readonly asleep: number };
      readonly looks: number;
    }
  | { readonly role: 'compiler'; readonly compiler: string; readonly library: string; readonly headers: string };

export type ProgramMessage =
  | { readonly kind: 'call' }
  | { readonly kind: 'signal'; readonly signal: 'SEGV' | 'FPE' | 'ILL' }
  | { readonly kind: 'broken'; readonly message: string };

export interface CompilerOrder {
  readonly id: number;
  readonly args: readonly string[];
  readonly files: readonly (readonly [string, Uint8Array])[];
  readonly outputs: readonly string[];
}

export type CompilerAnswer =
  | {
      readonly id: number;
      readonly status: number;
      readonly stdout: Uint8Array;
      readonly stderr: Uint8Array;
      readonly files: readonly (readonly [string, Uint8Array])[];
    }
  | { readonly id: number; readonly failed: string };
