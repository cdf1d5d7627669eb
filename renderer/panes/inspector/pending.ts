/** The pending bit array as memory has it: 64-bit words, bit 0 of the first is vector 0 (PCIe 6.0, 7.7.2.5). */
const BITS = 64;

export function pendingWords(pending: readonly number[], vectors: number): string[] {
  const words = Array.from({ length: Math.ceil(vectors / BITS) }, () => 0n);
  for (const vector of pending) {
    const word = Math.floor(vector / BITS);
    words[word] = (words[word] ?? 0n) | (1n << BigInt(vector % BITS));
  }
  return words.map((word) => word.toString(16).padStart(16, '0'));
}
