// @ts-check
// A socket's world that a test holds in its hands: a clock that moves when told, and the server's end of each connection.

export class FakeWorld {
  now = 0;
  /** @type {{ at: number, act: () => void }[]} */ timers = [];
  /** @type {FakeSocket[]} */ sockets = [];
  random = () => 0.5;

  connect = () => {
    const socket = new FakeSocket();
    this.sockets.push(socket);
    return /** @type {any} */ (socket);
  };

  later = (/** @type {() => void} */ act, /** @type {number} */ ms) => {
    const timer = { at: this.now + ms, act };
    this.timers.push(timer);
    return timer;
  };

  cancel = (/** @type {any} */ timer) => {
    this.timers = this.timers.filter((other) => other !== timer);
  };

  /** @param {number} ms */
  pass(ms) {
    const until = this.now + ms;
    for (;;) {
      const next = this.timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.now = next.at;
      this.cancel(next);
      next.act();
    }
    this.now = until;
  }

  /** The connection that is up now. @returns {FakeSocket} */
  get socket() {
    return /** @type {FakeSocket} */ (this.sockets.at(-1));
  }
}

class FakeSocket {
  /** @type {any[]} */ heard = [];
  closed = false;
  /** @type {((event: { data: string }) => void) | null} */ onmessage = null;
  /** @type {((event: { code: number }) => void) | null} */ onclose = null;

  /** @param {string} data */
  send(data) {
    this.heard.push(JSON.parse(data));
  }

  close() {
    this.closed = true;
  }

  /** @param {object} frame */
  say(frame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  /** @param {number} code */
  drop(code = 1006) {
    this.onclose?.({ code });
  }

  get types() {
    return this.heard.map(({ type }) => type);
  }
}

export const WELCOME = { type: "welcome", v: 1, user: { id: "u1", name: "Alice", guest: false }, limits: {}, heartbeat: 20 };
