// @ts-check
// Store, socket, outbox, and flow control at work together. Knows no DOM: it is given the page's hands as callbacks.

import { CLOSE, KEPT, open, proceed, regenerate, select, send, stop } from "./protocol.js";
import { Seen } from "./seen.js";
import { Socket, WORLD } from "./socket.js";
import { active, busy, have, reduce } from "./store.js";
import { uuid } from "./uuid.js";

/** @typedef {import("./protocol.js").Frame} Frame */
/** @typedef {import("./store.js").State} State */
/**
 * @typedef {{
 *   changed: (state: State) => void,
 *   connected: () => void,
 *   reload: (reason: string) => boolean,
 *   returned: (conversation: string | null, text: string) => void,
 * }} Page
 * `changed`: draw this. `connected`: a `welcome` came. `reload`: load the page again, but for each reason once until the
 * next `welcome`; false where that was done before. `returned`: this text, refused, belongs to a conversation that is not
 * shown, or to none that there is.
 */

export class Client {
  #page;
  #world;
  #outbox;
  #socket;
  #seen;
  #user;
  #guest;
  #protocol;
  /** @type {Set<string>} frames that went out on this connection */ #sent = new Set();
  /** @type {string | null} */ #stopping = null;

  /**
   * @param {{ url: string, user: string, guest: boolean, protocol: number, state: State, outbox: import("./outbox.js").Outbox, unmade?: string | null }} about
   * `unmade`: what a new chat would be, whose first message may still be in the outbox
   * @param {Page} page @param {import("./socket.js").World} world
   */
  constructor({ url, user, guest, protocol, state, outbox, unmade = null }, page, world = WORLD) {
    this.#page = page;
    this.#world = world;
    this.#user = user;
    this.#guest = guest;
    this.#protocol = protocol;
    this.#outbox = outbox;
    // What the server took before it made this page waits for nothing.
    for (const { cid } of state.messages) outbox.remove(cid);
    const shown = state.conversation ?? unmade;
    const waiting = outbox.heads().find(({ conversation }) => conversation === shown);
    /** @type {State} */
    this.state = waiting ? { ...state, conversation: shown, queued: waiting.frame } : state;
    this.#socket = new Socket(url, { frame: (frame) => this.#receive(frame), status: (now) => this.#status(now) }, world);
    this.#seen = new Seen((frame) => this.#socket.send(frame), world);
  }

  connect() {
    this.#socket.connect();
  }

  pause() {
    this.#socket.pause();
  }

  wake() {
    this.#socket.wake();
  }

  /**
   * @param {string} text @param {{ parent?: string | null }} how `parent`: the reply that it follows, by default the last
   * one shown
   */
  send(text, { parent = this.state.messages.at(-1)?.id ?? null } = {}) {
    // A conversation that is there knows who answers, unless that is on its way; one that is made is told.
    const { made, model, assistant, choosing } = this.state;
    // One that was refused takes another name: its own may be deleted elsewhere.
    const conversation = (made && this.state.conversation) || uuid();
    const chosen = made ? choosing : { model: model || undefined, assistant: assistant || undefined };
    this.#queue(conversation, send({ cid: uuid(), conversation, text, parent, ...chosen }));
  }

  /** @param {string} message @param {string} [model] another than the conversation's */
  regenerate(message, model = this.state.choosing.model) {
    this.#queue(this.state.conversation, regenerate(uuid(), message, model));
  }

  /** @param {string} message */
  proceed(message) {
    this.#queue(this.state.conversation, proceed(uuid(), message));
  }

  /** @param {string} message */
  select(message) {
    this.#socket.send(select(message));
  }

  stop() {
    const reply = active(this.state);
    if (!reply) return;
    this.#stopping = reply.id;
    this.#socket.send(stop(reply.id));
  }

  /** @param {Frame} event */
  dispatch(event) {
    this.state = reduce(this.state, event);
    const { wants, made, conversation } = this.state;
    if (wants && this.#socket.send(open(made ? conversation : null, made ? have(this.state) : {}))) {
      this.state = reduce(this.state, { type: "page:opened" });
    }
    this.#page.changed(this.state);
  }

  /** @param {string | null} conversation @param {Frame} frame */
  #queue(conversation, frame) {
    if (!conversation) return;
    if (busy(this.state)) {
      // The page was drawn before it became so: what was written is not gone with that.
      if (frame.text) this.dispatch({ type: "page:refused", text: frame.text });
      return;
    }
    this.#outbox.add(conversation, frame);
    this.dispatch({ type: "page:queue", conversation, frame });
    this.#flush();
  }

  #flush() {
    for (const { frame } of this.#outbox.heads()) {
      if (!this.#sent.has(frame.cid) && this.#socket.send(frame)) this.#sent.add(frame.cid);
    }
  }

  /** @param {Frame} frame */
  #receive(frame) {
    if (frame.type === "welcome" && !this.#isFor(frame)) {
      this.#socket.pause();
      this.#leave(frame.v === this.#protocol ? CLOSE.session : CLOSE.protocol, `${frame.v} ${frame.user.id} ${frame.user.guest}`);
      return;
    }
    this.dispatch(frame);
    this.#after(frame);
  }

  /** Whether this page was made for whom the server welcomes. @param {Frame} welcome */
  #isFor({ v, user }) {
    return v === this.#protocol && String(user.id) === this.#user && user.guest === this.#guest;
  }

  /** What a frame calls for beyond what is shown. @param {Frame} frame */
  #after(frame) {
    switch (frame.type) {
      case "welcome":
        this.#sent.clear();
        this.#flush();
        this.#page.connected();
        break;
      case "ack":
        this.#outbox.remove(frame.cid);
        this.#comeBack(frame.conversation);
        break;
      case "error":
        this.#refused(frame);
        break;
      case "state":
        for (const { cid } of frame.messages) this.#outbox.remove(cid);
        if (active(this.state)?.id === this.#stopping) this.stop();
        break;
      case "message":
        this.#outbox.remove(frame.message.cid);
        break;
      case "delta":
      case "reasoning": {
        const reply = active(this.state);
        if (reply && reply.id === frame.message) this.#seen.note(reply);
        break;
      }
      case "end":
        this.#seen.rest();
        this.#flush();
        break;
      case "conversation":
        if (!frame.conversation.active) this.#flush();
        break;
    }
  }

  /** @param {Frame} frame */
  #refused({ code, cid, retry_after: seconds = 1 }) {
    if (KEPT.has(code)) {
      // A `state` tells what a stop has not done.
      this.#later(seconds, () => (cid ? this.#again(cid) : this.dispatch({ type: "page:reopen" })));
      return;
    }
    const letter = this.#outbox.remove(cid);
    if (!letter || letter.conversation === this.state.conversation) return;
    if (letter.frame.text) this.#page.returned(code === "not_found" ? null : letter.conversation, letter.frame.text);
    this.#comeBack(letter.conversation);
  }

  /** @param {number} seconds @param {() => void} act */
  #later(seconds, act) {
    this.#world.later(act, seconds * 1000);
  }

  /** @param {string} cid */
  #again(cid) {
    this.#sent.delete(cid);
    this.#flush();
  }

  /** The socket shows what it last sent into; if that was another conversation, back to the page's own. @param {string} sentInto */
  #comeBack(sentInto) {
    const { conversation, made, queued } = this.state;
    // What is queued in a new chat leads there itself; asked to show nothing, the socket would not show its reply.
    if (sentInto !== conversation && (made || !queued)) this.dispatch({ type: "page:reopen" });
  }

  /** @param {State["connection"]} connection */
  #status(connection) {
    if (connection.status !== "connecting") this.#seen.rest();
    if (connection.code === CLOSE.session) this.#leave(connection.code);
    else this.dispatch({ type: "page:connection", connection });
  }

  /**
   * This page is not, or no longer, this user's or this server's: the answer to a reload knows better.
   * @param {number} code @param {string} reason
   */
  #leave(code, reason = String(code)) {
    if (!this.#page.reload(reason)) this.dispatch({ type: "page:connection", connection: { status: "ended", code } });
  }
}
