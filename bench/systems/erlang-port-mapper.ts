/**
 * RabbitMQ's runtime asks a port mapper (epmd) for the ports of Erlang nodes. If there is none it starts one, which stays when
 * RabbitMQ ends. This is as much of one as a single node needs, and ends with the bench: `erl_dist_protocol` in Erlang's manual.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';

const ALIVE_REQUEST = 120;
const ALIVE_ANSWER = 118;
const PORT_REQUEST = 122;
const PORT_ANSWER = 119;
const NAMES_REQUEST = 110;

export interface ErlangPortMapper {
  readonly port: number;
  stop(): void;
}

export async function startErlangPortMapper(): Promise<ErlangPortMapper> {
  /** What a node has said of itself, as it is told to others, by its name. */
  const nodes = new Map<string, Buffer>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.once('data', (request: Buffer) => answer(socket, request));
  });
  const answer = (socket: Socket, request: Buffer): void => {
    // two bytes of length, the request's type, its own
    const type = request[2];
    const content = request.subarray(3);
    if (type === ALIVE_REQUEST) {
      const name = content.latin1Slice(10, 10 + content.readUInt16BE(8));
      nodes.set(name, content);
      socket.on('close', () => nodes.delete(name));
      socket.write(Buffer.from([ALIVE_ANSWER, 0, 0, 0, 0, 1]));
    } else if (type === PORT_REQUEST) {
      const node = nodes.get(content.latin1Slice());
      socket.end(Buffer.concat([Buffer.from([PORT_ANSWER, node === undefined ? 1 : 0]), node ?? Buffer.alloc(0)]));
    } else if (type === NAMES_REQUEST) {
      const own = Buffer.alloc(4);
      own.writeUInt32BE(port);
      socket.end(own);
    } else socket.destroy();
  };
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
