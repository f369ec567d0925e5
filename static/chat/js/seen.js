// @ts-check
// Flow control: tells the server how far the reply has been read, so that it goes on sending.

import { SEEN, seen } from "./protocol.js";

/** @typedef {import("./protocol.js").Message} Message */

export class Seen {
  #send;
  #world;
  /** @type {any} */ #timer = null;
  /** @type {Message | null} */ #message = null;
  #told = 0;

  /** @param {(frame: any) => void} send @param {import("./socket.js").World} world */
  constructor(send, world) {
    this.#send = send;
    this.#world = world;
  }

  /** A delta has come; `message` as it is after it. @param {Message} message */
  note(message) {
    if (message.id !== this.#message?.id) this.#told = 0;
    this.#message = message;
    if (message.length + message.reasoning_length - this.#told >= SEEN.step) this.#tell();
    else this.#timer ??= this.#world.later(() => this.#tell(), SEEN.within);
  }

  /** The reply ended, or the socket did. */
  rest() {
    this.#world.cancel(this.#timer);
    this.#timer = null;
    this.#message = null;
  }

  #tell() {
    const message = /** @type {Message} */ (this.#message);
    this.#world.cancel(this.#timer);
    this.#timer = null;
    this.#told = message.length + message.reasoning_length;
    this.#send(seen(message.id, message.length, message.reasoning_length));
  }
}
