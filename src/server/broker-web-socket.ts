/**
 * A WebSocket that says when it is about to send its close frame, whoever began to close and why: what there is to send must go
 * out before it, and nothing may follow it (RFC 6455, section 5.5.1).
 */
import { WebSocket } from 'ws';

export class BrokerWebSocket extends WebSocket {
  beforeClose: (() => void) | undefined;

  /** Also called by `ws` itself, to answer a peer's close frame and after what the protocol does not allow. */
  override close(code?: number, reason?: string | Buffer): void {
    if (this.readyState === this.OPEN) this.beforeClose?.();
    super.close(code, reason);
  }
}
