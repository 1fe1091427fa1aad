// The cases of the official Node SDK of Anthropic.
import assert from "node:assert/strict";
import Anthropic, { APIError, AuthenticationError, BadRequestError, RateLimitError } from "@anthropic-ai/sdk";
import { base, cases, holdReport, instructions, key, once, parameters, rejects, results, schema, told, vendor } from "./target.mjs";

const client = new Anthropic({ apiKey: key, baseURL: base, maxRetries: 0 });
const { messages } = client;

const ask = (model, content) => ({ model, max_tokens: 64, system: instructions, messages: [{ role: "user", content }] });
const tools = Object.keys(results).map((name) => ({ name, description: "What it says.", input_schema: parameters }));
const textOf = (message) => message.content.filter((b) => b.type === "text").map((b) => b.text).join("");
const thinking = { max_tokens: 2048, thinking: { type: "enabled", budget_tokens: 1024 } };

async function answerTools(request, message) {
  assert.equal(message.stop_reason, "tool_use");
  const uses = message.content.filter((b) => b.type === "tool_use");
  assert.deepEqual(uses.map((u) => u.name), Object.keys(results));
  for (const use of uses) assert.deepEqual(use.input, JSON.parse(vendor.arguments));
  const given = uses.map((u) => ({ type: "tool_result", tool_use_id: u.id, content: results[u.name] }));
  const history = [...request.messages, { role: "assistant", content: message.content }, { role: "user", content: given }];
  const got = await messages.create({ ...request, messages: history });
  assert.equal(textOf(got), told);
  assert.equal(got.stop_reason, "end_turn");
}

cases({
  async chat(model) {
    const got = await messages.create(ask(model(), "Hello"));
    assert.equal(textOf(got), vendor.text);
    assert.equal(got.stop_reason, "end_turn");
    assert.equal(got.model, model());
    assert.equal(got.usage.input_tokens, vendor.promptTokens);
    assert.equal(got.usage.output_tokens, vendor.completionTokens);
  },

  async stream(model) {
    const stream = messages.stream(ask(model(), "Hello"));
    const pieces = [];
    stream.on("text", (piece) => pieces.push(piece));
    const got = await stream.finalMessage();
    assert.equal(textOf(got), vendor.text);
    assert.equal(pieces.join(""), vendor.text);
    assert.ok(pieces.length >= 3, "arrived in one piece");
    assert.equal(got.usage.output_tokens, vendor.completionTokens);
  },

  async parameters(model) {
    const request = ask(model(), vendor.report);
    request.messages.unshift({ role: "user", content: "First" }, { role: "assistant", content: "Second" });
    // The API version that this SDK speaks has no temperature any more.
    holdReport(textOf(await messages.create({ ...request, stop_sequences: ["END"] })), { temperature: null });
  },

  async "tool round trip"(model) {
    const request = { ...ask(model(), "How is it?"), tools };
    await answerTools(request, await messages.create(request));
  },

  async "tools streamed"(model) {
    const request = { ...ask(model(), "How is it?"), tools };
    await answerTools(request, await messages.stream(request).finalMessage());
  },

  async "one tool at a time"(model) {
    const tool_choice = { type: "any", disable_parallel_tool_use: true };
    const got = await messages.create({ ...ask(model(), "How is it?"), tools, tool_choice });
    assert.equal(got.stop_reason, "tool_use");
  },

  async image(model) {
    const content = [
      { type: "text", text: "What is this?" },
      { type: "image", source: { type: "base64", media_type: "image/png", data: vendor.pixel } },
    ];
    assert.equal(textOf(await messages.create(ask(model(), content))), vendor.seen);
  },

  async "structured output"(model) {
    const output_config = { format: { type: "json_schema", schema } };
    const got = await messages.create({ ...ask(model(), "Where?"), output_config });
    assert.deepEqual(JSON.parse(textOf(got)), JSON.parse(vendor.arguments));
    assert.equal(got.stop_reason, "end_turn");
  },

  async thinking(model) {
    const request = { ...ask(model("thinks"), "Hello"), ...thinking };
    for (const got of [await messages.create(request), await messages.stream(request).finalMessage()]) {
      assert.deepEqual(got.content.map((b) => b.type), ["thinking", "text"]);
      assert.equal(got.content[0].thinking, vendor.thought);
    }
  },

  async "thinking before a tool"(model) {
    const request = { ...ask(model("thinks"), "How is it?"), ...thinking, tools };
    await answerTools(request, await messages.create(request));
    await answerTools(request, await messages.stream(request).finalMessage());
  },

  async "count tokens"(model) {
    const { model: name, messages: list } = ask(model(), "Hello");
    assert.ok((await messages.countTokens({ model: name, messages: list })).input_tokens > 0);
  },

  async errors(model) {
    await rejects(messages.create(ask(model("busy"), "Hello")), RateLimitError, (e) => {
      assert.equal(e.headers.get("retry-after"), vendor.retryAfter);
      assert.equal(e.error.error.type, "rate_limit_error");
      assert.match(e.message, new RegExp(vendor.busy));
    });
    await rejects(messages.create(ask(model("refuses"), "Hello")), BadRequestError, (e) => assert.equal(e.error.error.type, "invalid_request_error"));
    await rejects(messages.create({ ...ask(model("busy"), "Hello"), stream: true }), RateLimitError);
  },

  async "streams that fail"(model) {
    for (const kind of ["cuts", "breaks"]) {
      let said = "";
      const stream = messages.stream(ask(model(kind), "Hello"));
      stream.on("text", (piece) => (said += piece));
      await rejects(stream.finalMessage(), Error, (e) => kind === "cuts" || assert.ok(e instanceof APIError, e.constructor.name));
      assert.ok(said.startsWith(vendor.first), kind);
    }
  },
});

once({
  async models(model) {
    const ids = [];
    for await (const m of client.models.list()) ids.push(m.id);
    assert.ok(ids.length > 0);
    assert.equal((await client.models.retrieve(model)).id, model);
  },

  // Both of the SDK's ways to say who calls.
  async "a bearer token"(model) {
    const bearer = new Anthropic({ apiKey: null, authToken: key, baseURL: base, maxRetries: 0 });
    assert.equal(textOf(await bearer.messages.create(ask(model, "Hello"))), vendor.text);
    const stranger = new Anthropic({ apiKey: "sk-unknown", baseURL: base, maxRetries: 0 });
    await rejects(stranger.messages.create(ask(model, "Hello")), AuthenticationError);
  },
});
