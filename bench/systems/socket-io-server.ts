/**
 * A relay as one writes it with Socket.IO: what is published is passed to whoever consumes it, which acknowledges. Nothing is kept.
 * Prints its port.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';

/** How long the relay waits for a subscriber of a topic to acknowledge. */
const TIMEOUT_MS = 60_000;

type Done = () => void;

const http = createServer();
const io = new Server(http, { transports: ['websocket'] });
const consumers = new Map<string, Socket>();

io.on('connection', (socket) => {
  socket.on('consume', (queue: string, done: Done) => {
    consumers.set(queue, socket);
    socket.on('disconnect', () => consumers.delete(queue));
    done();
  });
  socket.on('publish', (queue: string, body: unknown, done: Done) => {
    consumers.get(queue)?.emit('m', body, () => undefined);
    done();
  });
  socket.on('subscribe', async (topic: string, done: Done) => {
    await socket.join(topic);
    done();
  });
  socket.on('publish to topic', (topic: string, body: unknown, done: Done) => {
    io.to(topic)
      .timeout(TIMEOUT_MS)
      .emit('m', body, () => undefined);
    done();
  });
  socket.on('sync', (done: Done) => done());
});

http.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () =>
  process.stdout.write(`${(http.address() as AddressInfo).port}\n`),
);
