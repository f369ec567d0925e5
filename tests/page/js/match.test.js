// @ts-check
import { fit, fitting } from "/static/chat/js/match.js";
import { equal, ok, test } from "./harness.js";

test("the beginning is better than a word's, that than the middle, that than letters in order", () => {
  const scores = ["harbour", "old harbour", "unharboured", "how a river bends"].map((text) => fit("har", text));
  equal(scores, scores.toSorted((a, b) => b - a));
  equal(new Set(scores).size, 4);
  ok(scores[3] > 0);
});

test("every word has to be there, in any order", () => {
  ok(fit("week plan", "A plan for the week"));
  equal(fit("week plans", "A plan for the week"), 0);
});

test("letters in order begin a word", () => {
  equal(fit("har", "Copy the last reply"), 0);
  ok(fit("rtc", "Rename this conversation"));
});

test("case and accents do not matter, in any script", () => {
  ok(fit("cafe", "Das Café"));
  ok(fit("ЧАЙ", "про чай"));
  ok(fit("البحر", "ما هو البحر؟"));
});

test("nothing typed fits everything, in the order that it came in", () => {
  const all = ["b", "a", "c"];
  equal(fitting(" ", all, (text) => text).map(({ item }) => item), all);
});

test("equals stay in their order", () => {
  const all = ["Tea two", "Coffee", "Tea one"];
  equal(fitting("tea", all, (text) => text).map(({ item }) => item), ["Tea two", "Tea one"]);
});
