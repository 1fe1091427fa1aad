// What the Go test tells the cases: where to call, what models there are, and
// what vendors answer.
import assert from "node:assert/strict";
import { test } from "node:test";

const { base, key, upstreams, vendor } = JSON.parse(process.env.TIANJI_SDK_TARGET);
export { base, key, vendor };

export const instructions = "Be brief.";
export const results = { get_weather: "21 degrees", get_time: "noon" };
export const told = `The tools said: ${results.get_weather} ${results.get_time}`;
export const properties = { city: { type: "string" }, unit: { type: "string" } };
export const schema = { type: "object", properties, required: ["city", "unit"], additionalProperties: false };
export const parameters = { type: "object", properties, required: ["city"] };

// cases runs every case against every upstream.
export function cases(all) {
  for (const upstream of upstreams) {
    const model = (kind = "") => upstream.models[kind];
    for (const [name, run] of Object.entries(all)) {
      if (name.startsWith("thinking") && !upstream.thoughts) continue;
      if (name.startsWith("embeddings") && !upstream.embeddings) continue;
      test(`${upstream.name}: ${name}`, () => run(model, upstream));
    }
  }
}

// once runs cases that do not depend on who answers.
export function once(all) {
  for (const [name, run] of Object.entries(all)) test(name, () => run(upstreams[0].models[""]));
}

// rejects waits for an error of a class and gives it to a check.
export async function rejects(promise, kind, check = () => {}) {
  let error;
  try {
    await promise;
  } catch (e) {
    error = e;
  }
  assert.ok(error, "nothing was raised");
  assert.ok(error instanceof kind, `${error?.constructor?.name}: ${error?.message}`);
  check(error);
}

// holdReport checks what arrived of a request that ends with vendor.report.
export function holdReport(text, { temperature = 0.5 } = {}) {
  const report = JSON.parse(text);
  assert.equal(report.system, instructions);
  assert.deepEqual(report.turns.map((t) => [t.role, t.text]), [["user", "First"], ["assistant", "Second"], ["user", vendor.report]]);
  assert.equal(report.max_tokens, 64);
  assert.deepEqual(report.stop, ["END"]);
  if (temperature) assert.ok(Math.abs(report.temperature - temperature) < 1e-6, `temperature ${report.temperature}`);
}
