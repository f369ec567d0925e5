// @ts-check
import { Drafts, NEW } from "/static/chat/js/drafts.js";
import { Outbox } from "/static/chat/js/outbox.js";
import { memory } from "/static/chat/js/storage.js";
import { equal, test } from "./harness.js";

test("a draft is one conversation's and one user's", () => {
  const box = memory();
  const drafts = new Drafts("u1", box);
  drafts.keep("c1", "One");
  drafts.keep(NEW, "Another");
  equal([drafts.read("c1"), drafts.read("c2"), drafts.read(NEW)], ["One", "", "Another"]);
  equal(new Drafts("u2", box).read(NEW), "");
  drafts.keep("c1", "");
  equal(drafts.read("c1"), "");
});

test("what another page of the tab wrote is seen, be it in the composer or in an editor", () => {
  const box = memory();
  for (const place of ["c1", "edit:m1"]) {
    const [here, other] = [new Drafts("u1", box), new Drafts("u1", box)];
    here.read("c1");
    here.keep("edit:m1", "one");
    equal(here.isForeign, false);
    other.keep("c2", `of what is not shown here, ${place}`);
    equal(here.isForeign, false);
    other.keep(place, "one and more");
    equal(here.isForeign, true);
    here.read(place);
    equal(here.isForeign, false);
  }
});

test("a text that comes back stands before what was written since", () => {
  const drafts = new Drafts("u1", memory());
  drafts.giveBack("c1", "First");
  equal(drafts.read("c1"), "First");
  drafts.keep("c1", "Later");
  drafts.giveBack("c1", "First");
  equal(drafts.read("c1"), "First\n\nLater");
});

test("what a guest had not sent becomes a draft of the account, and is sent by nobody", () => {
  const box = memory();
  const guests = new Drafts("g1", box);
  guests.keep("c1", "half a sen");
  guests.keep(NEW, "begun");
  guests.keep("c99", "far down the list");
  guests.keep("edit:m1", "a question, bett");
  const outbox = new Outbox("g1", box);
  outbox.add("c1", { type: "send", cid: "1", text: "One?" });
  outbox.add("c1", { type: "send", cid: "2", text: "Two?" });
  outbox.add("c2", { type: "regenerate", cid: "3", message: "m1" });
  outbox.add("unmade", { type: "send", cid: "4", text: "Hello?" });

  const mine = new Drafts("u1", box);
  const letters = new Outbox("g1", box).empty();
  mine.adopt(new Drafts("g1", box), letters, ["c1", "c2"]);
  equal([mine.read("c1"), mine.read("c2")], ["One?\n\nTwo?\n\nhalf a sen", ""]);
  equal(mine.read(NEW), "Hello?\n\nbegun");
  equal([mine.read("c99"), mine.read("edit:m1")], ["far down the list", "a question, bett"]);
  equal([guests.read("c1"), guests.read(NEW)], ["", ""]);
  equal([new Outbox("g1", box).heads(), new Outbox("u1", box).heads()], [[], []]);

  mine.adopt(new Drafts("g1", box), new Outbox("g1", box).empty(), ["c1", "c2"]);
  equal(mine.read("c1"), "One?\n\nTwo?\n\nhalf a sen"); // The next page of the tab finds nothing more.
});
