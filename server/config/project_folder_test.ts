import assert from "node:assert/strict";
import { join } from "@std/path";
import { Fault } from "../../protocol/errors.ts";
import { projectOfRootUri, type ProjectOptions, resolveProject } from "./project_folder.ts";

/** A home with projects, and a folder outside of it. */
async function withFolders(
  test: (folders: { home: string; outside: string }) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const home = join(folder, "home");
  const outside = join(folder, "home-of-another");
  try {
    for (const path of [join(home, "work", "a b"), join(outside, "secret")]) {
      await Deno.mkdir(path, { recursive: true });
    }
    await Deno.writeTextFile(join(home, "file"), "");
    await test({ home, outside });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function refused(
  text: string,
  options: ProjectOptions,
  [reason, message]: [string, RegExp],
): Promise<void> {
  const error = await resolveProject(text, options).then(
    (folder) => assert.fail(`${JSON.stringify(text)} was taken as ${folder}`),
    (error) => error,
  );
  assert.ok(error instanceof Fault, String(error));
  assert.equal(error.reason, reason, error.message);
  assert.match(error.message, message);
  assert.ok(error.message.startsWith("Cannot use the project "), error.message);
}

Deno.test("a folder inside of a root is taken, in whichever way it is written", () =>
  withFolders(async ({ home }) => {
    const folder = join(home, "work", "a b");
    await Deno.symlink(join(home, "work"), join(home, "link"));
    const written = [
      folder,
      folder + "/",
      join(home, "link", "a b"),
      `${home}/work/./x/../a b`.replace("x/", "a b/"),
      `file://${home}/work/a%20b`,
      `file://localhost${home}/work/a%20b`,
    ];
    for (const text of written) {
      assert.equal(await resolveProject(text, { roots: [home] }), folder, text);
    }
    assert.equal(await resolveProject(home, { roots: ["/nowhere", home + "/"] }), home);
    assert.equal(await resolveProject(home, { roots: ["/"] }), home);
  }));

Deno.test("a root may be a symbolic link", () =>
  withFolders(async ({ home, outside }) => {
    const root = join(outside, "to-work");
    await Deno.symlink(join(home, "work"), root);
    const folder = join(home, "work", "a b");
    assert.equal(await resolveProject(join(root, "a b"), { roots: [root] }), folder);
    assert.equal(await resolveProject(folder, { roots: [root] }), folder);
    await refused(home, { roots: [root] }, ["not_permitted", /is outside of the folders/]);
  }));

Deno.test("a folder outside of the roots is refused, also by way of one inside", () =>
  withFolders(async ({ home, outside }) => {
    await Deno.symlink(outside, join(home, "out"));
    const texts = [
      outside,
      `${outside}/secret`,
      `${home}/out`,
      `${home}/out/secret`,
      `${home}/../home-of-another`,
      `${home}/work/../../home-of-another/secret`,
      `file://${home}/%2e%2e/home-of-another`,
      "/",
      join(home, ".."),
    ];
    for (const text of texts) {
      await refused(text, { roots: [home] }, [
        "not_permitted",
        /outside of the folders that projects may be in \(".*home"\); .*"projectRoots"/,
      ]);
    }
    await refused(home, { roots: [] }, ["not_permitted", /\(which is empty\)/]);
  }));

Deno.test("what is outside is refused in the same words whether it exists or not", () =>
  withFolders(async ({ home, outside }) => {
    const messages = [];
    for (const name of ["secret", "nothing"]) {
      const error = await resolveProject(join(outside, name), { roots: [home] }).catch((e) => e);
      messages.push(error.message.replace(name, "NAME"));
    }
    assert.equal(messages[0], messages[1]);
  }));

Deno.test("what is no folder is refused with the reason", () =>
  withFolders(async ({ home }) => {
    await Deno.symlink(join(home, "gone"), join(home, "dangling"));
    const roots = [home];
    const cases: [string, RegExp][] = [
      [join(home, "none"), /there is no such folder/],
      [join(home, "dangling"), /there is no such folder/],
      [join(home, "file", "below"), /there is no such folder/],
      [join(home, "file"), /it is not a folder/],
      ["", /it is not absolute/],
      ["work", /it is not absolute/],
      ["./work", /it is not absolute/],
      ["../work", /it is not absolute/],
      ["~/work", /it is not absolute/],
      ["C:\\work", /it is not absolute/],
      [home + "\0/x", /NUL/],
      [home + "/" + "x".repeat(4096), /longer than 4096/],
      ["file://elsewhere.example" + home, /no address of a folder on this machine/],
      ["file:work", /no address of a folder/],
      ["https://example.com/", /it is not absolute/],
    ];
    for (const [text, message] of cases) {
      await refused(text, { roots }, ["invalid_params", message]);
    }
  }));

Deno.test("a folder that cannot be looked at is refused", async () => {
  const realPath = (path: string) =>
    path === "/h" ? Promise.resolve(path) : Promise.reject(new Deno.errors.PermissionDenied("no"));
  await refused("/h/locked", { roots: ["/h"], realPath }, [
    "not_permitted",
    /it cannot be looked at \(PermissionDenied\)/,
  ]);
});

Deno.test("on Windows case and slashes do not matter, and the network is not touched", async () => {
  const looked: string[] = [];
  const options: ProjectOptions = {
    roots: ["C:\\Users\\Ada"],
    os: "windows",
    realPath: (path) => {
      looked.push(path);
      return Promise.resolve(path.replaceAll("/", "\\"));
    },
    stat: () => Promise.resolve({ isDirectory: true }),
  };
  assert.equal(await resolveProject("c:/users/ADA/Work", options), "c:\\users\\ADA\\Work");
  assert.equal(
    await resolveProject("file:///c%3A/Users/Ada/Work", options),
    "c:\\Users\\Ada\\Work",
  );
  await refused("C:\\Users\\Adam", options, ["not_permitted", /outside/]);
  looked.length = 0;
  for (const text of ["\\\\host\\share", "//host/share", "\\\\?\\C:\\Users\\Ada"]) {
    await refused(text, options, ["invalid_params", /of the network or of a device/]);
  }
  await refused("C:work", options, ["invalid_params", /not absolute/]);
  assert.deepEqual(looked, []);
});

Deno.test("the address of a root is a path of this machine, or nothing", () => {
  const cases: [string, string | undefined][] = [
    ["file:///home/ada/work", "/home/ada/work"],
    ["FILE:///home/ada", "/home/ada"],
    ["file://localhost/home/ada", "/home/ada"],
    ["file:/home/ada", "/home/ada"],
    ["file:///home/ada/a%20b/z%C3%BCrich", "/home/ada/a b/zürich"],
    ["file:///home/ada/a b/zürich", "/home/ada/a b/zürich"],
    ["file:///home/ada/100%25", "/home/ada/100%"],
    ["file:///home/ada/a%5Cb", "/home/ada/a\\b"],
    ["file:///", "/"],
    ["file:///home/ada/100%", undefined],
    ["file:///home/%FF", undefined],
    ["file:///home/a%2Fb", undefined],
    ["file:///home/a%00b", undefined],
    ["file:///home/ada?x", undefined],
    ["file:///home/ada#x", undefined],
    ["file://host/home/ada", undefined],
    ["file://127.0.0.1/home/ada", undefined],
    ["file:home/ada", undefined],
    ["https://example.com/home", undefined],
    ["/home/ada", undefined],
    ["", undefined],
  ];
  for (const [uri, path] of cases) {
    assert.equal(projectOfRootUri(uri, { os: "linux" }), path, uri);
  }
  const windows: [string, string | undefined][] = [
    ["file:///C:/Users/Ada", "C:\\Users\\Ada"],
    ["file:///c%3A/Users/Ada", "c:\\Users\\Ada"],
    ["file:///C:/a%5C..%5Cb", undefined],
    ["file:///home/ada", undefined],
    ["file://host/share", undefined],
  ];
  for (const [uri, path] of windows) {
    assert.equal(projectOfRootUri(uri, { os: "windows" }), path, uri);
  }
});
