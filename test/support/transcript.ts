/**
 * Plays what clients say and what they are to hear, as one would write it down:
 *
 *     alice> {"type":"publish","ref":1,"queue":"q","body":1}
 *     alice< {"type":"ok","ref":1,"id":"<id>","queues":1}
 *     alice< close 4100
 *
 * A client connects when it is first mentioned, to `/?client=NAME`; one without a name (`>`, `<`) to `/`, and `alice: PATH` says
 * where to. A `<word>` stands for an id or number that is not known beforehand: what it was the first time it must be ever after,
 * and in a line that is sent it stands for that. `<*>` stands for anything. A `welcome` that is not mentioned is passed over.
 * Nothing may come that is not written down: at the end every connection is asked.
 */
import type { RawClient } from './raw-client.ts';

const LINE = /^(\w*)([<>:]) ?(.*)$/;

export class Transcript {
  readonly #connect: (path: string) => Promise<RawClient>;
  readonly #clients = new Map<string, RawClient>();
  readonly #closed = new Set<string>();
  readonly #known = new Map<string, string>();

  constructor(connect: (path: string) => Promise<RawClient>) {
    this.#connect = connect;
  }

  async play(text: string): Promise<void> {
    const lines = text.split('\n').map((line) => line.trim());
    for (const [number, line] of lines.entries()) {
      if (line === '') continue;
      const [, name = '', kind, rest = ''] = LINE.exec(line) ?? [];
      const where = `line ${number + 1}: ${line}`;
      if (kind === ':') this.#clients.set(name, await this.#connect(rest));
      else if (kind === '>') (await this.#client(name)).send(this.#filledIn(rest, where));
      else if (kind === '<') await this.#hear(name, rest, where);
      else throw new Error(`not a line of a transcript: ${line}`);
    }
    for (const [name, client] of this.#clients) if (!this.#closed.has(name)) await this.#expectNothing(name, client);
  }

  async #client(name: string): Promise<RawClient> {
    const known = this.#clients.get(name);
    if (known !== undefined) return known;
    const client = await this.#connect(name === '' ? '/' : `/?client=${name}`);
    this.#clients.set(name, client);
    return client;
  }

  async #hear(name: string, wanted: string, where: string): Promise<void> {
    const client = await this.#client(name);
    const got = await this.#next(client, wanted.includes('"type":"welcome"'));
    if (wanted.startsWith('close ')) {
      if (got !== undefined) throw new Error(`${where}\ngot: ${got}`);
      const code = await client.closed;
      this.#closed.add(name);
      if (`close ${code}` !== wanted) throw new Error(`${where}\ngot: close ${code}`);
    } else if (got === undefined) throw new Error(`${where}\ngot: close ${await client.closed}`);
    else this.#match(got, wanted, where);
  }

  async #next(client: RawClient, welcome: boolean): Promise<string | undefined> {
    for (;;) {
      const frame = await client.nextFrame();
      if (welcome || !(typeof frame === 'string' && frame.startsWith('{"type":"welcome"'))) return frame?.toString();
    }
  }

  #match(got: string, wanted: string, where: string): void {
    const names: string[] = [];
    const pattern = wanted
      .split(/(<\w+>|<\*>)/)
      .map((part) => this.#pattern(part, names))
      .join('');
    const match = new RegExp(`^${pattern}$`).exec(got);
    if (match === null) throw new Error(`${where}\ngot: ${got}`);
    for (const [i, name] of names.entries()) this.#known.set(name, match[i + 1] ?? '');
  }

  #pattern(part: string, names: string[]): string {
    if (part === '<*>') return '.*';
    const name = /^<(\w+)>$/.exec(part)?.[1];
    if (name === undefined) return escape(part);
    const known = this.#known.get(name);
    if (known !== undefined) return escape(known);
    names.push(name);
    return '([0-9a-f-]+)';
  }

  #filledIn(line: string, where: string): string {
    return line.replaceAll(/<(\w+)>/g, (_, name: string) => {
      const known = this.#known.get(name);
      if (known === undefined) throw new Error(`${where}\n<${name}> is not known yet`);
      return known;
    });
  }

  async #expectNothing(name: string, client: RawClient): Promise<void> {
    client.send('{"type":"ping","ref":"the end"}');
    const got = await this.#next(client, false);
    if (got !== '{"type":"pong","ref":"the end"}') throw new Error(`not written down: ${name}< ${got ?? 'close'}`);
  }
}

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
