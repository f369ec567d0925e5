// @ts-check
import { uuid } from "/static/chat/js/uuid.js";
import { connection, ending, failure, origin, queued, refusal, waiting } from "/static/chat/js/words.js";
import { equal, ok, test } from "./harness.js";
import { row } from "./rows.js";

test("every refusal and every failure that the server knows has its sentence", async () => {
  const { refusals, failures } = await (await fetch("/codes.json")).json();
  const unknown = refusal("no such code");
  for (const code of refusals) ok(code.startsWith("bad_") || refusal(code) !== unknown, code);
  for (const code of failures) ok(failure({ code }) !== failure(undefined), code);
});

test("a code of a newer server is told in the server's words", () => {
  equal(failure({ code: "new_code", detail: "The moon was in the way." }), "The moon was in the way.");
});

test("how a reply ended is said where its text does not say it", () => {
  equal(ending(row("m2", "m1", { text: "Hello" })), "");
  equal(ending(row("m2", "m1", { status: "stopped" })), "This reply was stopped.");
  ok(ending(row("m2", "m1", { finish_reason: "length" })) !== "");
  ok(ending(row("m2", "m1", { status: "error", error: { code: "restart" } })).includes("saved"));
});

test("waits are counted", () => {
  equal(waiting(row("m2", "m1", { reasoning: "hm" }), 4), "Thinking… 4 s");
  ok(connection({ status: "waiting" }, 3).includes("3 s"));
  ok(queued({ type: "send", waits: { code: "rate", seconds: 7 } }, true, 5).includes("5 s"));
});

test("a reply says where it came from", () => {
  equal(origin(row("m2", "m1", { model: "demo", usage: { completion_tokens: 7, estimated: true } })), "demo · about 7 tokens");
});

test("a UUID is one also without a secure context", () => {
  const secure = crypto.randomUUID;
  Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
  const made = uuid();
  Object.defineProperty(crypto, "randomUUID", { value: secure, configurable: true });
  ok(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(made), made);
});
