/** `01:00.0` and `0000:01:00.0` as the second. */
export const fullAddress = (text: string): string =>
  (/^[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/i.test(text) ? `0000:${text}` : text).toLowerCase();
