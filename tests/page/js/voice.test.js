// @ts-check
import { LiveStatus } from "/static/chat/js/elements/live-status.js";
import { initial } from "/static/chat/js/store.js";
import { refusal } from "/static/chat/js/words.js";
import { equal, test } from "./harness.js";

customElements.define("live-status", LiveStatus);

test("a question that waits is told of once, whatever is counted meanwhile", () => {
  const [voice, line] = [/** @type {LiveStatus} */ (document.createElement("live-status")), document.createElement("p")];
  line.dataset.part = "status";
  voice.append(line);
  document.body.append(voice);
  /** What is said now. @param {"open" | "waiting" | "connecting"} status @param {any} queued */
  const said = (status, queued) => {
    line.textContent = "";
    voice.render({ ...initial(), connection: { status }, queued });
    return line.textContent;
  };
  const [frame, kept] = [{ type: "send", cid: "x1" }, "Kept here, and sent once you are connected again."];
  equal(said("open", frame), "");
  equal([said("waiting", frame), said("connecting", frame), said("waiting", frame)], [kept, "", ""]);
  const waits = (/** @type {number} */ seconds) => ({ ...frame, waits: { code: "rate", seconds } });
  equal([said("open", waits(7)), said("open", waits(6))], [refusal("rate"), ""]);
  equal([said("open", null), said("open", waits(7))], ["", refusal("rate")]);
  equal(said("waiting", null), "");
});
