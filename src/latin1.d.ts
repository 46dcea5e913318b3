/**
 * Node's own conversions between bytes and strings with one character a byte. Documented only as `toString('latin1')` and
 * `write(…, 'latin1')`, which are these behind a look-up of the encoding that costs as much as the work itself on small strings.
 */
interface Buffer {
  latin1Slice(start?: number, end?: number): string;
  latin1Write(text: string, offset?: number, length?: number): number;
}
