/**
 * Topics and the filters that queues are bound with: words with dots between them; in a filter `*` stands for one word and `#`
 * for any number of words, also none (AMQP 0-9-1, section 3.1.3.3, the topic exchange).
 */

const ANY_WORD = '*';
const ANY_WORDS = '#';

function isWildcard(filter: string): boolean {
  return filter.includes(ANY_WORD) || filter.includes(ANY_WORDS);
}

export function filterMatches(filter: string, topic: string): boolean {
  if (filter === topic || filter === ANY_WORDS) return true;
  if (!isWildcard(filter)) return false;
  return wordsMatch(filter.split('.'), topic.split('.'));
}

/**
 * Walks both word by word and, after a mismatch, goes back to the last `#` and lets it take one word more, as a glob matcher
 * does: at most filter words × topic words steps, whatever the filter.
 */
function wordsMatch(filter: readonly string[], topic: readonly string[]): boolean {
  let f = 0;
  let t = 0;
  let lastHash = -1;
  let resumeAt = 0;
  while (t < topic.length) {
    const word = filter[f];
    if (word === ANY_WORDS) {
      lastHash = f++;
      resumeAt = t;
    } else if (word !== undefined && (word === ANY_WORD || word === topic[t])) {
      f++;
      t++;
    } else if (lastHash >= 0) {
      f = lastHash + 1;
      t = ++resumeAt;
    } else {
      return false;
    }
  }
  while (filter[f] === ANY_WORDS) f++;
  return f === filter.length;
}

/**
 * A key under which an index finds a filter: the filter itself when it has no wildcard, else the words before its first
 * wildcard, each with a dot after it ('' when it begins with one). No exact filter ends with a dot, so the two never meet.
 */
export function stemOf(filter: string): string {
  const words = filter.split('.');
  const first = words.findIndex((word) => word === ANY_WORD || word === ANY_WORDS);
  return first < 0
    ? filter
    : words
        .slice(0, first)
        .map((word) => `${word}.`)
        .join('');
}

/** Every stem under which a filter that matches this topic can be found: its words + 2. */
export function stemsOf(topic: string): string[] {
  const stems = [topic, ''];
  for (let dot = topic.indexOf('.'); dot >= 0; dot = topic.indexOf('.', dot + 1)) stems.push(topic.slice(0, dot + 1));
  stems.push(`${topic}.`);
  return stems;
}
