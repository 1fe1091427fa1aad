// The cases of the official Node SDK of Gemini.
import assert from "node:assert/strict";
import { ApiError, FunctionCallingConfigMode, GoogleGenAI } from "@google/genai";
import { base, cases, holdReport, instructions, key, once, rejects, results, schema, vendor } from "./target.mjs";

const options = (apiKey) => ({ apiKey, httpOptions: { baseUrl: base, retryOptions: { attempts: 1 } } });
const { models } = new GoogleGenAI(options(key));

const types = { type: "OBJECT", properties: { city: { type: "STRING" }, unit: { type: "STRING" } }, required: ["city"] };
const declarations = Object.keys(results).map((name) => ({ name, description: "What it says.", parameters: types }));
const tools = [{ functionDeclarations: declarations }];
const ask = (model, contents, config = {}) => ({ model, contents, config: { systemInstruction: instructions, maxOutputTokens: 64, ...config } });
const user = (...parts) => ({ role: "user", parts });
const thinkingConfig = { includeThoughts: true, thinkingBudget: 1024 };
const thoughts = (parts) => parts.filter((p) => p.thought).map((p) => p.text).join("");
const textOf = (parts) => parts.filter((p) => !p.thought).map((p) => p.text ?? "").join("");

async function collect(request) {
  const all = { parts: [], chunks: 0, usage: null, reason: null };
  for await (const chunk of await models.generateContentStream(request)) {
    all.chunks++;
    all.parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []));
    all.usage = chunk.usageMetadata ?? all.usage;
    all.reason = chunk.candidates?.[0]?.finishReason ?? all.reason;
  }
  return all;
}

async function answerTools(request, content) {
  const calls = content.parts.filter((p) => p.functionCall).map((p) => p.functionCall);
  assert.deepEqual(calls.map((c) => c.name), Object.keys(results));
  for (const call of calls) assert.deepEqual(call.args, JSON.parse(vendor.arguments));
  const given = calls.map(({ id, name }) => ({ functionResponse: { id, name, response: { output: results[name] } } }));
  const got = await models.generateContent({ ...request, contents: [...request.contents, content, user(...given)] });
  for (const result of Object.values(results)) assert.ok(got.text.includes(result), got.text);
}

cases({
  async chat(model) {
    const got = await models.generateContent(ask(model(), "Hello"));
    assert.equal(got.text, vendor.text);
    assert.equal(got.candidates[0].finishReason, "STOP");
    assert.equal(got.usageMetadata.promptTokenCount, vendor.promptTokens);
    assert.equal(got.usageMetadata.candidatesTokenCount, vendor.completionTokens);
  },

  async stream(model) {
    const got = await collect(ask(model(), "Hello"));
    assert.equal(textOf(got.parts), vendor.text);
    assert.equal(got.reason, "STOP");
    assert.ok(got.chunks >= 4, "arrived in one piece");
    assert.equal(got.usage.candidatesTokenCount, vendor.completionTokens);
  },

  async parameters(model) {
    const contents = [user({ text: "First" }), { role: "model", parts: [{ text: "Second" }] }, user({ text: vendor.report })];
    const got = await models.generateContent(ask(model(), contents, { temperature: 0.5, stopSequences: ["END"] }));
    holdReport(got.text);
  },

  async "tool round trip"(model) {
    const request = ask(model(), [user({ text: "How is it?" })], { tools });
    await answerTools(request, (await models.generateContent(request)).candidates[0].content);
  },

  async "tools streamed"(model) {
    const request = ask(model(), [user({ text: "How is it?" })], { tools });
    await answerTools(request, { role: "model", parts: (await collect(request)).parts });
  },

  async "forced tool"(model) {
    const functionCallingConfig = { mode: FunctionCallingConfigMode.ANY, allowedFunctionNames: ["get_time"] };
    const got = await models.generateContent(ask(model(), "How late is it?", { tools, toolConfig: { functionCallingConfig } }));
    assert.deepEqual(got.functionCalls.map((c) => c.name), ["get_time"]);
  },

  async image(model) {
    const contents = [user({ text: "What is this?" }, { inlineData: { mimeType: "image/png", data: vendor.pixel } })];
    assert.equal((await models.generateContent(ask(model(), contents))).text, vendor.seen);
  },

  async "structured output"(model) {
    for (const how of [{ responseSchema: types }, { responseJsonSchema: schema }]) {
      const got = await models.generateContent(ask(model(), "Where?", { responseMimeType: "application/json", ...how }));
      assert.deepEqual(JSON.parse(got.text), JSON.parse(vendor.arguments));
    }
  },

  async thinking(model) {
    const request = ask(model("thinks"), "Hello", { thinkingConfig, maxOutputTokens: 2048 });
    const got = await models.generateContent(request);
    for (const parts of [got.candidates[0].content.parts, (await collect(request)).parts]) {
      assert.equal(thoughts(parts), vendor.thought);
      assert.equal(textOf(parts), vendor.text);
    }
  },

  async "thinking before a tool"(model) {
    const request = ask(model("thinks"), [user({ text: "How is it?" })], { tools, thinkingConfig, maxOutputTokens: 2048 });
    await answerTools(request, (await models.generateContent(request)).candidates[0].content);
  },

  async "count tokens"(model) {
    assert.ok((await models.countTokens({ model: model(), contents: "Hello" })).totalTokens > 0);
  },

  async embeddings(model) {
    const got = await models.embedContent({ model: model("embeds"), contents: ["one", "two"] });
    assert.deepEqual(got.embeddings.map((e) => e.values), [vendor.vector, vendor.vector]);
  },

  async errors(model) {
    await rejects(models.generateContent(ask(model("busy"), "Hello")), ApiError, (e) => {
      assert.equal(e.status, 429);
      const { error } = JSON.parse(e.message);
      assert.equal(error.status, "RESOURCE_EXHAUSTED");
      assert.match(error.message, new RegExp(vendor.busy));
    });
    await rejects(models.generateContent(ask(model("refuses"), "Hello")), ApiError, (e) => assert.equal(e.status, 400));
    await rejects(collect(ask(model("busy"), "Hello")), ApiError, (e) => assert.equal(e.status, 429));
  },

  async "streams that fail"(model) {
    for (const kind of ["cuts", "breaks"]) await rejects(collect(ask(model(kind), "Hello")), Error);
  },
});

once({
  async models(model) {
    const names = [];
    for await (const m of await models.list()) names.push(m.name);
    assert.ok(names.length > 0 && names.every((n) => n.startsWith("models/")));
    assert.equal((await models.get({ model })).name, `models/${model}`);
  },

  // The vendor calls that a bad request, the gateway unauthenticated.
  async "an unknown key"(model) {
    const stranger = new GoogleGenAI(options("sk-unknown"));
    await rejects(stranger.models.generateContent(ask(model, "Hello")), ApiError, (e) => assert.ok([400, 401].includes(e.status)));
  },
});
