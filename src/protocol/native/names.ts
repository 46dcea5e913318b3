/** The forms of names on the wire. A name that matches is plain ASCII, so it needs no escaping in JSON, a URL or a log. */

const NAME = /^[A-Za-z0-9_][A-Za-z0-9._:-]{0,127}$/;
const QUEUE = /^@?[A-Za-z0-9_][A-Za-z0-9._:-]{0,127}$/;
const TOPIC = /^[A-Za-z0-9_:@-]+(?:\.[A-Za-z0-9_:@-]+)*$/;
const FILTER = /^(?:[A-Za-z0-9_:@-]+|\*|#)(?:\.(?:[A-Za-z0-9_:@-]+|\*|#))*$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const isName = (text: string): boolean => NAME.test(text);
/** A queue's name, or an inbox: `@` and a client's name. */
export const isQueueName = (text: string): boolean => QUEUE.test(text);
export const isTopic = (text: string): boolean => TOPIC.test(text);
/** A topic in which any word may be `*` (one word) or `#` (any number of words). */
export const isFilter = (text: string): boolean => FILTER.test(text);
export const isUuid = (text: string): boolean => UUID.test(text);

export const NAME_FORM = 'a letter, digit or _, then up to 127 letters, digits and . _ : -';
export const QUEUE_FORM = `a queue's name (${NAME_FORM}) or @ and a client's name`;
export const TOPIC_FORM = 'words of letters, digits and _ : @ - with dots between them, 255 characters at most';
export const FILTER_FORM = `a topic (${TOPIC_FORM}), in which a word may also be * (one word) or # (any number of words)`;
export const UUID_FORM = 'a UUID, such as 0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59';
