/**
 * A message's attributes as JSON text of one byte a character. Headers and correlation are bytes already and come back as they
 * were; written as bytes the text is then plain UTF-8 to anybody who looks into the file. In the other members, which are
 * text, characters that need more than a byte are escaped.
 */
import type { ByteString, MessageAttributes } from '../store.ts';

const WIDE = /[\u0100-\uffff]/;
const EVERY_WIDE = /[\u0100-\uffff]/g;

export function attributesText(attributes: MessageAttributes): ByteString {
  const text = JSON.stringify(attributes);
  return WIDE.test(text) ? text.replace(EVERY_WIDE, escaped) : text;
}

export function attributesOf(text: ByteString): MessageAttributes {
  return JSON.parse(text) as MessageAttributes;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
