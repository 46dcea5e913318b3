/**
 * A chat room whose members miss nothing: what is said while somebody is away waits in that member's inbox, on disk.
 *
 *     npm start                            # the broker, in another terminal
 *     node examples/02-room.ts
 */
import { connect, type Message } from '../src/client/index.ts';

const url = process.env['HOLDFAST_URL'] ?? 'ws://127.0.0.1:4653';
const room = { topic: 'room.kitchen' };

const bob = await connect(url, { client: 'bob' });
const alice = await connect(url, { client: 'alice' });
// to join is to subscribe: from now on the inbox of alice gets all that is said
const aliceReads = alice.subscribe(room);
await aliceReads.ready;
await bob.publish(room, 'coffee is ready');
await readOne(aliceReads);
await alice.drain();
console.log('alice has left the building');

await bob.publish(room, 'last slice of cake!');
await bob.publish(room, 'too late');

const back = await connect(url, { client: 'alice' });
console.log('alice is back');
const inbox = back.subscribe(room);
await readOne(inbox);
await readOne(inbox);

// to leave the room is more than to go away
await inbox.leave(room.topic);
const { queues } = await bob.publish(room, 'is anybody there?');
console.log(`alice has left the room: the next message reaches ${queues} inboxes`);
await back.drain();
await bob.drain();

async function readOne(messages: AsyncIterator<Message, undefined>): Promise<void> {
  const { value: message } = await messages.next();
  if (message === undefined) return;
  console.log(`  ${message.from} said: ${String(message.body)}`);
  await message.ack();
}
