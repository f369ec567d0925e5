// @ts-check
import { Socket } from "/static/chat/js/socket.js";
import { equal, ok, test } from "./harness.js";
import { FakeWorld, WELCOME } from "./world.js";

function connected() {
  const world = new FakeWorld();
  /** @type {any[]} */ const told = [];
  const socket = new Socket("ws://here/", { frame: () => {}, status: (now) => told.push(now) }, world);
  socket.connect();
  return { world, told, socket };
}

test("nothing is sent before the welcome", () => {
  const { world, socket } = connected();
  equal(socket.send({ type: "stop" }), false);
  world.socket.say(WELCOME);
  equal(socket.send({ type: "stop" }), true);
  equal(world.socket.types, ["stop"]);
});

test("a ping each heartbeat; without its pong within 10 s the connection is given up", () => {
  const { world } = connected();
  world.socket.say(WELCOME);
  world.pass(20_000);
  equal(world.socket.heard, [{ type: "ping", n: 1 }]);
  world.socket.say({ type: "pong", n: 1 });
  world.pass(20_000);
  equal(world.socket.types, ["ping", "ping"]);
  world.pass(9_900);
  equal(world.sockets.length, 1);
  world.pass(100 + 1_000);
  ok(world.sockets[0].closed && world.sockets.length === 2);
});

test("a server that never says welcome is given up as well", () => {
  const { world } = connected();
  world.pass(10_000);
  ok(world.sockets[0].closed);
});

test("the wait grows with each failure, from 0.5 s to 15 s", () => {
  const { world, told } = connected();
  world.random = () => 1;
  const waits = [];
  for (let i = 0; i < 8; i += 1) {
    world.socket.drop();
    waits.push(told.at(-1).delay);
    world.pass(waits[i]);
  }
  equal(waits, [1000, 2000, 4000, 8000, 15_000, 15_000, 15_000, 15_000]);
  world.random = () => 0;
  world.socket.drop();
  equal(told.at(-1).delay, 500);
});

test("a greeting alone does not shorten the wait, a pong does", () => {
  const { world, told } = connected();
  world.random = () => 1;
  world.socket.drop();
  world.pass(1000);
  world.socket.say(WELCOME);
  world.socket.drop(4013);
  equal(told.at(-1).delay, 2000);
  world.pass(2000);
  world.socket.say(WELCOME);
  world.socket.say({ type: "pong", n: 1 });
  world.socket.drop(4012);
  equal(told.at(-1).delay, 1000);
});

test("a bye may ask for a longer wait", () => {
  const { world, told } = connected();
  world.socket.say({ type: "bye", code: 4012, detail: "", retry_after: 5 });
  world.socket.drop(4012);
  equal(told.at(-1), { status: "waiting", delay: 5000 });
});

test("it gives up on 4400 and 4403, and leaves 4401 to the page", () => {
  for (const code of [4400, 4401, 4403]) {
    const { world, told, socket } = connected();
    world.socket.drop(code);
    equal(told.at(-1), { status: "ended", code });
    world.pass(60_000);
    equal(world.sockets.length, 1);
    socket.pause();
    socket.connect();
    equal([told.at(-1), world.sockets.length], [{ status: "ended", code }, 1], "out of the browser's cache");
  }
});

test("any other close, 1000 among them, is followed by another attempt", () => {
  for (const code of [1000, 1006, 4008, 4012, 4013, 4029]) {
    const { world } = connected();
    world.socket.drop(code);
    world.pass(1_000);
    equal(world.sockets.length, 2, `${code}`);
  }
});

test("a wake connects at once, and asks a connection whether it lives", () => {
  const { world, socket } = connected();
  world.socket.drop();
  socket.wake();
  equal(world.sockets.length, 2);
  socket.wake();
  equal(world.sockets.length, 2, "one is under way");
  world.socket.say(WELCOME);
  socket.wake();
  equal(world.socket.types, ["ping"]);
});

test("a page that goes away closes its socket, and comes back when told", () => {
  const { world, socket } = connected();
  world.socket.say(WELCOME);
  socket.pause();
  ok(world.socket.closed);
  world.pass(60_000);
  equal(world.sockets.length, 1);
  socket.connect();
  equal(world.sockets.length, 2);
});
