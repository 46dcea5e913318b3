/** Finds out why a WebSocket could not be opened, which the WebSocket itself does not tell: asks once more over plain HTTP. */
import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

const TIMEOUT_MS = 3000;
const REASON_CHARACTERS_MAX = 300;

/** One sentence for people. */
export function whyUnreachable(address: string): Promise<string> {
  const url = new URL(address);
  const request = url.protocol === 'wss:' ? httpsRequest : httpRequest;
  url.protocol = url.protocol.replace('ws', 'http');
  return new Promise((resolve) => {
    const upgrade = request(url, {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
      },
      timeout: TIMEOUT_MS,
      agent: false,
    });
    const end = (sentence: string): void => {
      resolve(sentence);
      upgrade.destroy();
    };
    upgrade.on('timeout', () => end(`no answer from ${address} within ${TIMEOUT_MS} ms`));
    upgrade.on('upgrade', () => end(`the connection to ${address} could not be made just now; try again`));
    upgrade.on('error', (error: NodeJS.ErrnoException) => end(explain(address, error)));
    upgrade.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => (body = (body + text).slice(0, REASON_CHARACTERS_MAX)));
      response.on('close', () => end(`${address} refused the connection with ${response.statusCode}: ${body.split('\n')[0]}`));
    });
    upgrade.end();
  });
}

function explain(address: string, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return `there is no broker at ${address}. Start one with: holdfast serve (in a checkout: npm start), or name another with --url`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `there is no host named ${new URL(address).hostname}`;
    default:
      return `cannot reach ${address}: ${error.message}`;
  }
}
