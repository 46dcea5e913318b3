/**
 * RabbitMQ with its Web-STOMP and Web-MQTT plugins. All settings go by the environment and by arguments of its runtime, so that
 * its file system may be another one than the bench's.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startServer } from '../lib/child.ts';
import type { KillableServer, System } from '../lib/system.ts';
import { stompServerVersion } from '../protocols/stomp.ts';
import { startErlangPortMapper } from './erlang-port-mapper.ts';
import { freePort } from './free-port.ts';
import type { PeerCommand } from './peer-command.ts';

/** Quorum queues: https://www.rabbitmq.com/docs/quorum-queues */
export function rabbitMqQueues(command: PeerCommand): System {
  return {
    title: 'RabbitMQ, quorum queue',
    durability: 'fsync before each confirm',
    protocol: 'stomp',
    suits: ['queues', 'backlogs'],
    start: (directory) => startRabbitMq(command, directory, 'stomp'),
  };
}

/** MQTT sessions, which are classic queues: https://www.rabbitmq.com/docs/mqtt. A confirm doesn't wait for the disk. */
export function rabbitMqSessions(command: PeerCommand): System {
  return {
    title: 'RabbitMQ, MQTT sessions',
    durability: 'no fsync before a confirm',
    protocol: 'mqtt',
    suits: ['topics', 'inboxes'],
    start: (directory) => startRabbitMq(command, directory, 'mqtt'),
  };
}

/** On the data in that directory, if there is any. */
export async function startRabbitMq(
  { command, args }: PeerCommand,
  directory: string,
  protocol: 'stomp' | 'mqtt',
): Promise<KillableServer> {
  mkdirSync(directory, { recursive: true });
  const ports = { stomp: await freePort(), mqtt: await freePort(), node: await freePort() };
  const mapper = await startErlangPortMapper();
  try {
    const server = await startServer({
      title: 'RabbitMQ',
      command,
      args,
      environment: environment(directory, ports, mapper.port),
      ready: /completed with \d+ plugins/,
    });
    const { cpuSeconds, residentMiB, peakMiB, freeze } = server;
    const version = await stompServerVersion(ports.stomp);
    const ended = (end: () => Promise<void>) => async (): Promise<void> => {
      await end();
      mapper.stop();
    };
    const ways = { stop: ended(server.stop), kill: ended(server.kill), freeze };
    return { port: ports[protocol], version, cpuSeconds, residentMiB, peakMiB, ...ways };
  } catch (error) {
    mapper.stop();
    throw error;
  }
}

interface Ports {
  readonly stomp: number;
  readonly mqtt: number;
  /** Between nodes; unused, but asked for. */
  readonly node: number;
}

function environment(directory: string, ports: Ports, mapperPort: number): Readonly<Record<string, string>> {
  const listenOn = (port: number): string => `[{port,${port}},{ip,"127.0.0.1"}]`;
  const settings = [
    `-rabbitmq_web_stomp tcp_config ${listenOn(ports.stomp)}`,
    `-rabbitmq_web_mqtt tcp_config ${listenOn(ports.mqtt)}`,
    // the least of it and of a client's receive maximum holds, and the default is 10
    `-rabbitmq_mqtt prefetch ${MQTT_PREFETCH_MAX}`,
    '-rabbitmq_stomp tcp_listeners []',
    '-rabbitmq_mqtt tcp_listeners []',
    '-rabbit tcp_listeners []',
    '-kernel inet_dist_use_interface {127,0,0,1}',
  ];
  return {
    RABBITMQ_NODENAME: 'holdfast-bench@localhost',
    RABBITMQ_DIST_PORT: String(ports.node),
    RABBITMQ_MNESIA_BASE: join(directory, 'data'),
    RABBITMQ_LOG_BASE: join(directory, 'log'),
    RABBITMQ_ENABLED_PLUGINS: 'rabbitmq_web_stomp,rabbitmq_web_mqtt',
    RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'plugins'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: settings.join(' '),
    // one process, which ends by itself on SIGTERM, instead of a shell that waits for it
    RUNNING_UNDER_SYSTEMD: 'true',
    ERL_EPMD_PORT: String(mapperPort),
    ERL_FLAGS: '-start_epmd false',
  };
}

const MQTT_PREFETCH_MAX = 1000;
