/** A client's connection in a random history: tells the model what it is given, and knows what it holds. */
import type { Delivery, Outlet, Session } from '../../src/broker/broker.ts';
import type { BrokerRig } from './broker-rig.ts';
import type { HistoryModel, Holder, Holding } from './history-model.ts';

export interface Stage {
  readonly rig: BrokerRig;
  readonly model: HistoryModel;
  /** Keeps what the work throws for the test to see. */
  check(work: () => void): void;
}

/** One connection of a client, as the model sees it. */
export class Actor implements Outlet {
  readonly number: number;
  readonly name: string;
  writable = true;
  over = false;
  /** Its broker has crashed, though what it was about to do in that moment may still go on. */
  crashed = false;
  session: Session | undefined;
  /** A verb must be finished before the next one. */
  busy = false;
  readonly holdings: { readonly delivery: Delivery; readonly holding: Holding }[] = [];
  readonly subscriptions = new Map<string, Holder>();
  readonly #run: Stage;
  readonly #graceMs: number;

  constructor(run: Stage, number: number, name: string, graceMs: number) {
    this.#run = run;
    this.number = number;
    this.name = name;
    this.#graceMs = graceMs;
  }

  deliver(delivery: Delivery): void {
    if (this.crashed) return;
    this.#run.check(() => {
      const to = this.subscriptions.get(delivery.queue);
      if (this.over || to === undefined) throw new Error(`a delivery from ${delivery.queue} to a connection that is gone`);
      const before = this.holdings.findIndex(
        ({ holding: { queue, number } }) => queue === delivery.queue && number === Number(delivery.message.body),
      );
      // its lease ran out, or the model finds that it did not
      const [expired] = before < 0 ? [] : this.holdings.splice(before, 1);
      const holding = this.#run.model.delivered(delivery, { ...to, client: this.name }, this.#run.rig.clock.now());
      if (expired !== undefined) this.#run.model.released(expired.holding);
      if (!to.autoAck) this.holdings.push({ delivery, holding });
    });
  }

  takenOver(): void {
    this.leave();
  }

  leave(): void {
    this.over = true;
    const { model, rig } = this.#run;
    const now = rig.clock.now();
    for (const { holding } of this.holdings.splice(0)) {
      if (this.#graceMs > 0 && !holding.queue.startsWith('@') && model.isHeld(holding, now))
        model.kept(holding, this.name, now + this.#graceMs);
      model.released(holding);
    }
  }
}
