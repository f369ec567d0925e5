// @ts-check
// Defines the elements of the page, but for those of `late.js`; `chat-app` last, for it speaks to the others.

import { AnswerPicker } from "./elements/answer-picker.js";
import { ChatApp } from "./elements/chat-app.js";
import { ChatComposer } from "./elements/chat-composer.js";
import { ChatMessage } from "./elements/chat-message.js";
import { ChatSidebar } from "./elements/chat-sidebar.js";
import { ChatThread } from "./elements/chat-thread.js";
import { ConnectionBanner } from "./elements/connection-banner.js";
import { KeyboardShortcuts } from "./elements/keyboard-shortcuts.js";
import { LiveStatus } from "./elements/live-status.js";
import { MessageEditor } from "./elements/message-editor.js";

customElements.define("message-editor", MessageEditor);
customElements.define("chat-message", ChatMessage);
customElements.define("chat-thread", ChatThread);
customElements.define("answer-picker", AnswerPicker);
customElements.define("chat-composer", ChatComposer);
customElements.define("chat-sidebar", ChatSidebar);
customElements.define("connection-banner", ConnectionBanner);
customElements.define("keyboard-shortcuts", KeyboardShortcuts);
customElements.define("live-status", LiveStatus);
customElements.define("chat-app", ChatApp);
