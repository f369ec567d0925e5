// @ts-check
// One WebSocket that comes back: connects, waits longer after each failure, asks whether the other side still lives.
// What the frames mean is not its business, but for `welcome`, `pong`, and `bye`, which are about the socket itself.

import { BACKOFF, CLOSE, PATIENCE, ping } from "./protocol.js";

/** @typedef {import("./protocol.js").Frame} Frame */
/** @typedef {{ connect: (url: string) => WebSocket, later: (act: () => void, ms: number) => any, cancel: (timer: any) => void, random: () => number }} World */
/** @typedef {{ frame: (frame: Frame) => void, status: (connection: import("./store.js").State["connection"]) => void }} Listener */

/** What a socket touches outside itself, so that a test can stand in for it. @type {World} */
export const WORLD = {
  // Not every browser takes a path.
  connect: (url) => new WebSocket(new URL(url, location.href.replace(/^http/, "ws"))),
  later: (act, ms) => setTimeout(act, ms),
  cancel: (timer) => clearTimeout(timer),
  random: () => Math.random(),
};

export class Socket {
  #url;
  #listener;
  #world;
  /** @type {WebSocket | null} */ #socket = null;
  /** @type {Frame | null} */ #bye = null;
  /** @type {any} */ #retry = null;
  /** @type {any} */ #beat = null;
  /** @type {any} */ #deadline = null;
  #ready = false;
  #ended = false;
  #failures = 0;
  #pings = 0;

  /** @param {string} url @param {Listener} listener @param {World} world */
  constructor(url, listener, world = WORLD) {
    this.#url = url;
    this.#listener = listener;
    this.#world = world;
  }

  connect() {
    if (this.#socket || this.#ended) return;
    this.#world.cancel(this.#retry);
    this.#retry = null;
    this.#bye = null;
    this.#listener.status({ status: "connecting" });
    const socket = this.#world.connect(this.#url);
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => this.#lost(code);
    this.#socket = socket;
    this.#expect();
  }

  /** @param {object} frame @returns {boolean} whether it went out; a socket without its `welcome` sends nothing */
  send(frame) {
    if (!this.#ready) return false;
    this.#socket?.send(JSON.stringify(frame));
    return true;
  }

  /** Something hints that now is a good moment: connect at once, or see whether the connection still lives. */
  wake() {
    if (this.#ready) this.#ping();
    else if (this.#retry !== null) this.connect();
  }

  /** The page goes away, perhaps to come back; one that has ended comes back as that. */
  pause() {
    if (this.#ended) return;
    this.#drop();
    this.#world.cancel(this.#retry);
    this.#retry = null;
    this.#listener.status({ status: "paused" });
  }

  /** @param {string} data */
  #receive(data) {
    const frame = JSON.parse(data);
    if (frame.type === "welcome") {
      this.#ready = true;
      this.#calm();
      this.#beatEvery(frame.heartbeat * 1000);
    } else if (frame.type === "pong") {
      this.#calm();
      this.#failures = 0; // Not at `welcome`: a server that greets and closes must not be besieged.
    } else if (frame.type === "bye") {
      this.#bye = frame;
    }
    this.#listener.frame(frame);
  }

  /** @param {number} ms */
  #beatEvery(ms) {
    this.#beat = this.#world.later(() => {
      this.#ping();
      this.#beatEvery(ms);
    }, ms);
  }

  #ping() {
    this.#pings += 1;
    this.send(ping(this.#pings));
    this.#expect();
  }

  #expect() {
    this.#deadline ??= this.#world.later(() => this.#lost(1006), PATIENCE);
  }

  #calm() {
    this.#world.cancel(this.#deadline);
    this.#deadline = null;
  }

  /** @param {number} closed */
  #lost(closed) {
    const code = this.#bye?.code ?? closed;
    this.#drop();
    if (code === CLOSE.protocol || code === CLOSE.origin || code === CLOSE.session) {
      this.#ended = true;
      this.#listener.status({ status: "ended", code });
      return;
    }
    const most = Math.min(BACKOFF.most, BACKOFF.least * 2 ** (this.#failures + 1));
    const jitter = BACKOFF.least + this.#world.random() * (most - BACKOFF.least);
    const delay = Math.max(jitter, (this.#bye?.retry_after ?? 0) * 1000);
    this.#failures += 1;
    this.#retry = this.#world.later(() => this.connect(), delay);
    this.#listener.status({ status: "waiting", delay });
  }

  /** A dead connection may take minutes to say that it is closed: let go of it without waiting. */
  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#ready = false;
    this.#calm();
    this.#world.cancel(this.#beat);
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }
}
