/**
 * Transcripts, as the documentation prints them: read, and played against a broker. Each line is one thing that happens.
 *
 *   alice= ws://127.0.0.1:4653/?client=alice     alice connects (a header may follow: `Authorization: Bearer secret`)
 *   alice> {"type":"ping"}                       alice sends a text frame
 *   alice> binary {"type":"publish"}\nhello      alice sends a binary frame
 *   alice< {"type":"pong"}                       the broker sends alice this, next
 *   alice< close 4100                            the broker closes alice's connection
 *   alice< HTTP 401                              the broker refuses to open it
 *   alice> close                                 alice goes away
 *   ! kill                                       the broker is killed with SIGKILL and started again (`! stop`: SIGTERM)
 *   # anything                                   a comment
 *
 * The name may be left out where there is one client. In what is expected `$name` stands for any value, the same wherever the
 * name comes again, also in what is sent; `$time` for any number, `$any` for any text. All else must be the same to the letter.
 */
import { WebSocket } from 'ws';
import type { BrokerProcess } from '../support/broker-process.ts';

export interface Step {
  /** What stands on the page. */
  readonly line: string;
  readonly who: string;
  readonly kind: 'connect' | 'send' | 'expect' | 'event';
  readonly text: string;
}

/** What one client sent and got, in order, as parsed JSON. */
export interface Exchange {
  readonly sent: unknown[];
  readonly received: unknown[];
}

type Broker = Pick<BrokerProcess, 'url' | 'start' | 'kill9' | 'stop'>;

/** On the page; the broker listens elsewhere. */
const PAGE_ADDRESS = 'ws://127.0.0.1:4653/';
const ANSWER_MS_MAX = 5000;
const KINDS = { '=': 'connect', '>': 'send', '<': 'expect', '!': 'event' } as const;

/** One that does not begin with a connection is that of a client named me. */
export function parseTranscript(lines: readonly string[]): Step[] {
  const steps = stepsOf(lines);
  return steps[0]?.kind === 'connect' ? steps : [...stepsOf([`= ${PAGE_ADDRESS}?client=me`]), ...steps];
}

function stepsOf(lines: readonly string[]): Step[] {
  return lines.flatMap((line): Step[] => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const [, who = '', sign = '', text = ''] = /^(\w*)([=><!]) ?(.*)$/.exec(line) ?? [];
    if (!isSign(sign)) throw new Error(`not a line of a transcript: ${line}`);
    return [{ line, who, kind: KINDS[sign], text }];
  });
}

const isSign = (sign: string): sign is keyof typeof KINDS => Object.hasOwn(KINDS, sign);

/**
 * Plays it, and fails at the first thing that is not as it says, or when something more comes than it says. `prefix` goes before
 * every namespace, so that transcripts can share a broker and nothing else.
 */
export async function playTranscript(steps: readonly Step[], broker: Broker, prefix = ''): Promise<readonly Exchange[]> {
  const stage: Stage = { address: () => `${broker.url}/${prefix}`, clients: new Map(), values: new Map(), all: [] };
  try {
    for (const step of steps) {
      if (step.kind === 'event') await happen(step.text, broker);
      else await play(step, stage);
    }
    for (const [who, client] of stage.clients) await client.expectNothingMore(who);
  } finally {
    for (const client of stage.all) client.end();
  }
  return stage.all.map(({ exchange }) => exchange);
}

interface Stage {
  readonly address: () => string;
  /** By name, the connection that each made last. */
  readonly clients: Map<string, Client>;
  readonly values: Map<string, string>;
  readonly all: Client[];
}

async function play(step: Step, { address, clients, values, all }: Stage): Promise<void> {
  if (step.kind === 'connect') {
    const [url = '', ...header] = step.text.split(' ');
    const opening = new Client(url.replace(PAGE_ADDRESS, address()), header.join(' '));
    clients.set(step.who, opening);
    all.push(opening);
    return opening.opened;
  }
  const client = clients.get(step.who);
  if (client === undefined) throw new Error(`nobody is connected under that name: ${step.line}`);
  if (step.kind === 'send') return client.send(fill(step.text, values));
  const got = await client.next(step.line);
  const wanted = pattern(step.text, values);
  const match = wanted.exec(got);
  if (match === null) throw new Error(`the page says\n  ${step.line}\nand the broker says\n  ${step.who}< ${got}`);
  for (const [name, value] of Object.entries(match.groups ?? {})) values.set(name, value);
}

async function happen(event: string, broker: Broker): Promise<void> {
  if (event === 'stop') {
    void broker.stop();
    return;
  }
  if (event !== 'kill') throw new Error(`no such event: ${event}`);
  await broker.kill9();
  await broker.start();
}

class Client {
  readonly exchange: Exchange = { sent: [], received: [] };
  /** Settled when the connection is open or refused. */
  readonly opened: Promise<void>;
  readonly #socket: WebSocket;
  readonly #received: string[] = [];
  #wake: (() => void) | undefined;

  constructor(url: string, header: string) {
    const [, name = '', value = ''] = /^([\w-]+): (.*)$/.exec(header) ?? [];
    const socket = new WebSocket(url, name === '' ? {} : { headers: { [name]: value } });
    this.#socket = socket;
    this.opened = new Promise((resolve) => {
      socket.on('open', resolve);
      socket.on('unexpected-response', (_request, response) => {
        this.#receive(`HTTP ${response.statusCode}`);
        response.resume();
        resolve();
      });
    });
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#message(data.toString('utf8'), isBinary));
    socket.on('close', (code) => this.#receive(`close ${code}`));
    socket.on('error', () => undefined);
  }

  send(text: string): void {
    if (text === 'close') return this.#socket.close();
    const binary = /^binary (.*)$/.exec(text)?.[1]?.replace('\\n', '\n');
    this.exchange.sent.push(...framesIn(binary ?? text));
    this.#socket.send(binary === undefined ? text : Buffer.from(binary));
  }

  async next(line: string): Promise<string> {
    if (this.#received.length === 0) await this.#wait(line);
    return this.#received.shift() ?? '';
  }

  /** When the session is open: nothing comes before the answers to two publishes, which wait for all commits before them. */
  async expectNothingMore(who: string): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN || this.exchange.received.length === 0) return;
    for (const ref of ['"nearly the end"', '"the end"']) {
      this.#socket.send(`{"type":"publish","ref":${ref},"topic":"nobody.listens.here","body":0}`);
      const got = await this.next(ref);
      if (!got.includes(`{"type":"ok","ref":${ref},`)) throw new Error(`the page is silent on this:\n  ${who}< ${got}`);
    }
  }

  end(): void {
    this.#socket.terminate();
  }

  #message(text: string, isBinary: boolean): void {
    this.exchange.received.push(...framesIn(text));
    this.#receive(isBinary ? `binary ${text.replace('\n', '\\n')}` : text);
  }

  #receive(text: string): void {
    this.#received.push(text);
    this.#wake?.();
  }

  #wait(line: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`nothing came within ${ANSWER_MS_MAX} ms, but the page says\n  ${line}`)),
        ANSWER_MS_MAX,
      );
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

function framesIn(text: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(text.split('\n')[0] ?? '');
    return Array.isArray(parsed) ? parsed : [parsed];
  } catch {
    // a transcript may show what is no frame
    return [];
  }
}

const NAME = /\$(\w+)/g;

function fill(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(NAME, (all, name: string) => values.get(name) ?? all);
}

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');

function pattern(text: string, values: ReadonlyMap<string, string>): RegExp {
  const bound = new Set<string>();
  const source = escaped(text).replaceAll(/\\\$(\w+)/g, (_all, name: string) => {
    if (name === 'any') return '.*';
    if (name === 'time') return '\\d+';
    const known = values.get(name);
    if (known !== undefined) return escaped(known);
    if (bound.has(name)) return `\\k<${name}>`;
    bound.add(name);
    return `(?<${name}>[^"]+)`;
  });
  return new RegExp(`^${source}$`, 's');
}
