// @ts-check
// <answer-picker>: which model and which assistant answer here. Says `chat:choose` with the one that was chosen.

import { asMenu } from "./menu.js";
import { asked, part, say, write } from "./parts.js";
import * as words from "../words.js";

export class AnswerPicker extends HTMLElement {
  connectedCallback() {
    const menu = part(this, "choices");
    asMenu(menu, () => part(this, "picker-button"));
    this.addEventListener("click", (event) => {
      const clicked = asked(event);
      if (clicked?.name !== "choose") return;
      const group = /** @type {HTMLElement} */ (clicked.button.closest("[data-choice]"));
      menu.hidePopover();
      say(this, "choose", { [group.dataset.choice ?? ""]: clicked.button.value });
    });
  }

  /** @param {import("../store.js").State} state */
  render({ queued, made, gone, model, assistant }) {
    const names = [this.#check("model", model), this.#check("assistant", assistant)];
    // The usual assistant goes without saying where the model has its name there.
    const shown = names.filter(({ several, usual }, index) => several && !(usual && index && names[0].several));
    const answering = shown.map(({ name }) => name).join(" · ");
    const lost = names.flatMap(({ lost, name }) => (lost ? [words.notOffered(lost, name)] : []));
    const button = part(this, "picker-button");
    write(part(this, "picker-name"), answering);
    button.ariaLabel = [words.answering(answering), ...lost].join(" ");
    button.toggleAttribute("data-fallback", lost.length > 0);
    // What the first message carries is chosen, unless it is refused.
    button.disabled = gone || (queued !== null && !made);
    part(this, "fallback").hidden = !lost.length;
    write(part(this, "fallback"), lost.join(" "));
  }

  /**
   * Checks the one that answers: the chosen one, or the first where that is not offered.
   * @param {string} choice @param {string} chosen "" is the first
   */
  #check(choice, chosen) {
    const group = /** @type {HTMLElement} */ (this.querySelector(`[data-choice="${choice}"]`));
    const options = [...group.querySelectorAll("button")];
    const found = options.find(({ value }) => value === chosen);
    const answers = found ?? options[0];
    for (const option of options) option.ariaChecked = String(option === answers);
    const name = part(answers, "choice-label").textContent;
    return { name, several: !group.hidden, usual: answers === options[0], lost: found || !chosen ? "" : chosen };
  }
}
