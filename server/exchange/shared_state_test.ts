import assert from "node:assert/strict";
import { LogLevels, Subscriptions } from "./shared_state.ts";

Deno.test("the server gets the most talkative level that anybody asked for", () => {
  const levels = new LogLevels();
  assert.equal(levels.widest, undefined);
  assert.ok(levels.set("a", "error"));
  assert.ok(levels.set("b", "info"));
  assert.equal(levels.widest, "info");
  assert.ok(levels.set("b", "critical"));
  assert.equal(levels.widest, "error");
  assert.deepEqual([levels.delete("a"), levels.delete("a")], [true, false]);
  assert.equal(levels.widest, "critical");
  for (const level of ["loud", "", undefined, null, 1, "Error"]) {
    assert.equal(levels.set("c", level), false);
  }
});

Deno.test("each session gets what its own level lets through; without a wish, everything", () => {
  const levels = new LogLevels();
  levels.set("a", "warning");
  assert.deepEqual(
    ["debug", "notice", "warning", "emergency", "unheard-of", undefined].map((level) =>
      levels.wants("a", level)
    ),
    [false, false, true, true, true, true],
  );
  assert.ok(levels.wants("b", "debug"));
});

Deno.test("a subscription lasts until the last session lets go of it", () => {
  const subscriptions = new Subscriptions();
  subscriptions.add("a", "file:///x");
  subscriptions.add("b", "file:///x");
  subscriptions.add("a", "file:///x");
  subscriptions.add("a", "file:///y");
  assert.deepEqual([...subscriptions.of("file:///x")], ["a", "b"]);
  assert.equal(subscriptions.delete("b", "file:///x"), false);
  assert.equal(subscriptions.delete("b", "file:///x"), false);
  assert.deepEqual(subscriptions.deleteAll("a"), ["file:///x", "file:///y"]);
  assert.deepEqual([subscriptions.uris, subscriptions.of("file:///x").size], [[], 0]);
});

Deno.test("an update of a part concerns whoever subscribed to the whole, and nobody else", () => {
  const subscriptions = new Subscriptions();
  subscriptions.add("folder", "file:///a");
  subscriptions.add("file", "file:///a/b");
  subscriptions.add("neighbour", "file:///ab");
  const concernedBy = (uri: string) => [...subscriptions.concernedBy(uri)].sort();
  assert.deepEqual(concernedBy("file:///a/b"), ["file", "folder"]);
  assert.deepEqual(concernedBy("file:///a"), ["folder"]);
  assert.deepEqual(concernedBy("file:///ab"), ["neighbour"]);
  assert.deepEqual(concernedBy("file:///"), []);
});
