// What tutorials do: with each piece that comes, all of the text becomes HTML again, and that the page.

import { marked } from "/benchmark/marked.esm.js";

const thread = document.querySelector(".thread");
const root = document.querySelector("[data-part=text]");
const socket = new WebSocket(`ws://${location.host}/ws/chat/`);
const SEEN = 16384;
let [text, reply, length, seen] = ["", null, 0, 0];

const draw = watch.timed(() => {
  root.innerHTML = marked.parse(text);
  thread.scrollTop = thread.scrollHeight;
});

const TOLD = {
  welcome: () => (document.documentElement.dataset.ready = ""),
  message({ message }) {
    if (message.role === "assistant") reply = message.id;
  },
  delta(frame) {
    text += frame.text;
    length = frame.to;
    draw();
    if (length - seen < SEEN) return;
    seen = length;
    socket.send(JSON.stringify({ type: "seen", message: reply, offset: length }));
  },
  end: ({ status }) => (document.documentElement.dataset.status = status),
};

socket.onmessage = ({ data }) => {
  const frame = JSON.parse(data);
  TOLD[frame.type]?.(frame);
};

globalThis.ask = (question) => {
  const [cid, conversation] = [crypto.randomUUID(), crypto.randomUUID()];
  socket.send(JSON.stringify({ type: "send", cid, conversation, text: question, parent: null }));
};
