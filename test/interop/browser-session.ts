/**
 * What runs inside the browser's page: the browser's own WebSocket, and a few lines such as anybody would write around it. The two
 * functions are sent to the page as text, so they may use nothing from outside themselves.
 */

export interface SeenMessage {
  readonly id: string;
  readonly attempt: number;
  readonly body: unknown;
  /** Of a body of bytes. */
  readonly bytes?: readonly number[];
}

export interface BrowserSession {
  readonly messages: SeenMessage[];
  /** Resolves with the `ok` or `error` frame. */
  request(frame: object, bytes?: readonly number[]): Promise<Readonly<Record<string, unknown>>>;
}

/** Where the page keeps it. */
export interface BrowserWindow {
  session: BrowserSession;
}

/** Connects, and resolves with the `welcome` frame. */
export function connectInPage(url: string): Promise<Readonly<Record<string, unknown>>> {
  const socket = new WebSocket(url, 'holdfast.v1');
  socket.binaryType = 'arraybuffer';
  const messages: SeenMessage[] = [];
  const answers = new Map<unknown, (frame: Record<string, unknown>) => void>();
  let ref = 0;
  (globalThis as unknown as BrowserWindow).session = {
    messages,
    request: (frame, bytes) =>
      new Promise((resolve) => {
        answers.set(++ref, resolve);
        const line = JSON.stringify({ ...frame, ref });
        socket.send(bytes === undefined ? line : new Blob([`${line}\n`, new Uint8Array(bytes)]));
      }),
  };
  return new Promise((welcomed, refused) => {
    socket.addEventListener('close', ({ code }) => refused(new Error(`closed with ${code}`)));
    socket.addEventListener('message', ({ data }: { readonly data: unknown }) => {
      const isText = typeof data === 'string';
      const all = isText ? new Uint8Array() : new Uint8Array(data as ArrayBuffer);
      const newline = all.indexOf(10);
      const frame = JSON.parse(isText ? data : new TextDecoder().decode(all.slice(0, newline))) as Record<string, unknown>;
      if (frame['type'] === 'welcome') welcomed(frame);
      else if (frame['type'] === 'message')
        messages.push({
          id: String(frame['id']),
          attempt: Number(frame['attempt']),
          body: frame['body'],
          ...(isText ? {} : { bytes: Array.from(all.subarray(newline + 1)) }),
        });
      else answers.get(frame['ref'])?.(frame);
    });
  });
}

/** Resolves with all messages when there are so many. */
export async function messagesInPage(count: number): Promise<readonly SeenMessage[]> {
  const { session } = globalThis as unknown as BrowserWindow;
  while (session.messages.length < count) await new Promise((resolve) => setTimeout(resolve, 10));
  return session.messages;
}

export function requestInPage({
  frame,
  bytes,
}: {
  frame: object;
  bytes?: readonly number[];
}): Promise<Readonly<Record<string, unknown>>> {
  return (globalThis as unknown as BrowserWindow).session.request(frame, bytes);
}
