/** One server for several contenders of a scenario: what one of them does to it is what the others meet. */
import type { Server, System } from './system.ts';

/** Started by the first that starts it and then prepared, stopped by the last that stops it. */
export function sharedSystem(system: System, prepare: (server: Server) => Promise<void>): System {
  let users = 0;
  let started: Promise<Server> | undefined;
  const startOnce = async (directory: string): Promise<Server> => {
    const server = await system.start(directory);
    try {
      await prepare(server);
      return server;
    } catch (cause) {
      await server.stop();
      throw cause;
    }
  };
  return {
    ...system,
    async start(directory) {
      started ??= startOnce(directory);
      const server = await started;
      users++;
      return {
        ...server,
        async stop() {
          if (--users === 0) await server.stop();
        },
      };
    },
  };
}
