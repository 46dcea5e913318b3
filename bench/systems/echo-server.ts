/** The ceiling of one thread: `ws` and JSON both ways, no broker behind. Answers each publish with a message; writes once a turn. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

const server = createServer();
const webSockets = new WebSocketServer({ server, perMessageDeflate: false });
webSockets.on('connection', (webSocket, request) => {
  const { socket } = request;
  let corked = false;
  webSocket.on('message', (data) => {
    if (!corked) {
      corked = true;
      socket.cork();
      setImmediate(() => {
        corked = false;
        socket.uncork();
      });
    }
    const frame = JSON.parse((data as Buffer).toString()) as { ref: number; body: unknown };
    webSocket.send(JSON.stringify({ type: 'message', ref: frame.ref, body: frame.body }));
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
