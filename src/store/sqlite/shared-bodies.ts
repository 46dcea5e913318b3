/** Counts down the messages that refer to shared bodies, once per body and batch, and deletes a body with its last one. */
import type { Statements } from './statements.ts';

export class SharedBodies {
  readonly #statements: Statements;
  readonly #released = new Map<number, number>();

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  release(body: number): void {
    this.#released.set(body, (this.#released.get(body) ?? 0) + 1);
  }

  flush(): void {
    const { releaseBody, deleteBody, deleteBodyUse } = this.#statements;
    for (const [body, count] of this.#released) {
      const refs = releaseBody.get(count, body);
      if (refs === undefined || refs > 0) continue;
      deleteBody.run(body);
      deleteBodyUse.run(body);
    }
    this.#released.clear();
  }
}
