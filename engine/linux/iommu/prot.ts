/** What a mapping allows the device. */
export const PROT_READ = 1;
export const PROT_WRITE = 2;
