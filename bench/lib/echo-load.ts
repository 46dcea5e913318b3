/** Sends frames to an echo server, a window of them at a time, and counts what comes back. */
import { RawSocket } from './raw-socket.ts';

export async function echoLoad(port: number, messages: number, window: number, body: string): Promise<number> {
  const done = Promise.withResolvers<void>();
  let sent = 0;
  let received = 0;
  const socket = await RawSocket.connect({
    port,
    path: '/',
    received(payload) {
      if (payload.length < body.length) throw new Error(`an echo of ${payload.length} bytes`);
      if (++received === messages) done.resolve();
    },
    turnEnded: () => fill(),
  });
  const fill = (): void => {
    while (sent < messages && sent - received < window)
      socket.send(`{"type":"publish","ref":${sent++},"queue":"bench","body":${body}}`);
  };
  const start = performance.now();
  fill();
  socket.flush();
  await done.promise;
  const seconds = (performance.now() - start) / 1000;
  socket.close();
  return messages / seconds;
}
