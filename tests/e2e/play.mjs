// `node play.mjs FILE SCENE TOLD` plays one scene and exits with 0 if it holds. Started by scenes.py.
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { Stage } from "./stage.mjs";

const [, , file, scene, told] = process.argv;
const stage = new Stage(JSON.parse(told));
try {
  await (await import(pathToFileURL(file)))[scene](stage);
  assert.deepEqual(await stage.ask("failures"), []);
} catch (error) {
  console.log(error.stack ?? String(error));
  process.exitCode = 1;
} finally {
  await stage.close();
}
