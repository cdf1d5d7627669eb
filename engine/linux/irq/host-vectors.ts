/** Vectors that the kernel keeps for itself (x86): a forged message with one of them does what its owner's would. */
const FIRST_DEVICE_VECTOR = 0x20;

const EXCEPTIONS: Readonly<Record<number, string>> = {
  0x10: 'floating-point error',
  0x11: 'alignment check',
  0x12: 'machine check',
  0x13: 'SIMD floating-point error',
  0x14: 'virtualization exception',
  0x15: 'control protection exception',
};

const SYSTEM: Readonly<Record<number, string>> = {
  0xec: 'local timer',
  0xf0: 'posted interrupts',
  0xf2: 'posted interrupts',
  0xf6: 'irq work',
  0xf7: 'platform interrupt',
  0xf8: 'reboot of a CPU',
  0xf9: 'machine check threshold',
  0xfa: 'thermal event',
  0xfb: 'function call of one CPU',
  0xfc: 'function call',
  0xfd: 'reschedule',
  0xfe: 'APIC error',
  0xff: 'spurious interrupt',
};

/** What a vector stands for when it belongs to no device; null: it may be a device's. */
export function hostVectorName(vector: number): string | null {
  if (vector < FIRST_DEVICE_VECTOR) return EXCEPTIONS[vector] ?? 'CPU exception';
  return SYSTEM[vector] ?? null;
}
