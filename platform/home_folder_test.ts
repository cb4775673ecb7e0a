import { equal } from "node:assert/strict";
import { homeFolder } from "./home_folder.ts";

Deno.test("a ~ that no shell has read is the user's home folder, and only at the head", () => {
  equal(homeFolder("~", "/home/ada"), "/home/ada");
  equal(homeFolder("~/aichaku", "/home/ada"), "/home/ada/aichaku");
  equal(homeFolder("~\\aichaku", "C:\\Users\\ada", "\\"), "C:\\Users\\ada\\aichaku");
  for (const given of ["/srv/~/x", "~ada/x", "x~", "./~"]) {
    equal(homeFolder(given, "/home/ada"), given);
  }
});

Deno.test("without the variable it is .aichaku in the user's home folder", () => {
  equal(homeFolder(undefined, "/home/ada"), "/home/ada/.aichaku");
  equal(homeFolder(undefined, "C:\\Users\\ada", "\\"), "C:\\Users\\ada\\.aichaku");
});
