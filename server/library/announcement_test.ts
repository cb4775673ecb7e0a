import { deepEqual, equal } from "node:assert/strict";
import { publish, readAnnouncement, unpublish } from "./announcement.ts";

const mine = { revision: 1, url: "http://127.0.0.1:7200", instanceId: "mine", pid: 12 };

async function withFile(body: (path: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    body(`${folder}/daemon.json`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("what is published is read, and is taken back only by who published it", () =>
  withFile((path) => {
    equal(readAnnouncement(path), undefined);
    publish(path, mine);
    deepEqual(readAnnouncement(path), mine);
    unpublish(path, "another");
    deepEqual(readAnnouncement(path), mine);
    unpublish(path, "mine");
    equal(readAnnouncement(path), undefined);
    unpublish(path, "mine");
  }));

Deno.test("a file that is empty, torn or of another shape is as good as none", () =>
  withFile((path) => {
    const texts = [
      "",
      '{"revision": 1, "url": "http://127.0',
      "null",
      "[]",
      ...Object.keys(mine).map((key) => JSON.stringify({ ...mine, [key]: undefined })),
      JSON.stringify({ ...mine, url: "file:///etc/passwd" }),
      JSON.stringify({ ...mine, instanceId: "" }),
    ];
    for (const text of texts) {
      Deno.writeTextFileSync(path, text);
      equal(readAnnouncement(path), undefined, text);
    }
  }));
