/**
 * What a web developer writes first: `ws` and a loop. Speaks as much of Holdfast's protocol as the fan-out load needs, so that the
 * same driver reads the same frames. For every published message it sends one text to every subscriber, and reads an ack of each.
 * Nothing is kept.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

interface Frame {
  readonly type: string;
  readonly ref?: number | string;
  readonly topic?: string;
  readonly body?: unknown;
}

const server = createServer();
const webSockets = new WebSocketServer({ server, perMessageDeflate: false });
const subscribers = new Set<WebSocket>();

webSockets.on('connection', (webSocket) => {
  webSocket.on('message', (data) => {
    const received = JSON.parse((data as Buffer).toString()) as Frame | readonly Frame[];
    for (const frame of Array.isArray(received) ? (received as readonly Frame[]) : [received as Frame]) handle(webSocket, frame);
  });
  webSocket.on('close', () => subscribers.delete(webSocket));
});

function handle(webSocket: WebSocket, frame: Frame): void {
  if (frame.type === 'subscribe') subscribers.add(webSocket);
  const id = randomUUID();
  if (frame.ref !== undefined) webSocket.send(JSON.stringify({ type: 'ok', ref: frame.ref, ...answerTo(frame, id) }));
  if (frame.type === 'publish') sendToAll(frame, id);
}

function answerTo(frame: Frame, id: string): object {
  switch (frame.type) {
    case 'publish':
      return { id, queues: subscribers.size };
    case 'ack':
      return { count: 1 };
    default:
      return {};
  }
}

/** As long as the broker's, member for member. */
function sendToAll({ topic, body }: Frame, id: string): void {
  const members = { queue: '@fan-out-500', id, attempt: 1, time: Date.now(), topic, from: 'fan-out-publisher', body };
  const text = JSON.stringify({ type: 'message', ...members });
  for (const subscriber of subscribers) subscriber.send(text);
}

server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () =>
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`),
);
