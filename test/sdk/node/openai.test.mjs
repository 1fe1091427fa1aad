// The cases of the official Node SDK of OpenAI: chat completions and what else
// has a dialect of its own with it.
import assert from "node:assert/strict";
import OpenAI, { AuthenticationError, BadRequestError, RateLimitError } from "openai";
import { base, cases, holdReport, instructions, key, once, parameters, rejects, results, schema, told, vendor } from "./target.mjs";

const client = new OpenAI({ apiKey: key, baseURL: `${base}/v1`, maxRetries: 0 });
const chat = client.chat.completions;

const ask = (model, content) => ({
  model,
  max_completion_tokens: 64,
  messages: [{ role: "system", content: instructions }, { role: "user", content }],
});
const tools = Object.keys(results).map((name) => ({
  type: "function",
  function: { name, description: "What it says.", parameters },
}));

async function answerTools(request, message) {
  assert.deepEqual(message.tool_calls.map((c) => c.function.name), Object.keys(results));
  for (const call of message.tool_calls) assert.deepEqual(JSON.parse(call.function.arguments), JSON.parse(vendor.arguments));
  const given = message.tool_calls.map((c) => ({ role: "tool", tool_call_id: c.id, content: results[c.function.name] }));
  const got = await chat.create({ ...request, messages: [...request.messages, message, ...given] });
  assert.equal(got.choices[0].message.content, told);
  assert.equal(got.choices[0].finish_reason, "stop");
}

cases({
  async chat(model) {
    const got = await chat.create(ask(model(), "Hello"));
    assert.equal(got.choices[0].message.content, vendor.text);
    assert.equal(got.choices[0].finish_reason, "stop");
    assert.equal(got.usage.prompt_tokens, vendor.promptTokens);
    assert.equal(got.usage.completion_tokens, vendor.completionTokens);
  },

  async stream(model) {
    const stream = chat.stream({ ...ask(model(), "Hello"), stream_options: { include_usage: true } });
    let chunks = 0;
    for await (const _ of stream) chunks++;
    const got = await stream.finalChatCompletion();
    assert.equal(got.choices[0].message.content, vendor.text);
    assert.equal(got.choices[0].finish_reason, "stop");
    assert.equal((await stream.totalUsage()).completion_tokens, vendor.completionTokens);
    assert.ok(chunks >= 5, "arrived in one piece");
  },

  async parameters(model) {
    const request = ask(model(), vendor.report);
    request.messages.splice(1, 0, { role: "user", content: "First" }, { role: "assistant", content: "Second" });
    const got = await chat.create({ ...request, temperature: 0.5, stop: "END" });
    holdReport(got.choices[0].message.content);
  },

  async "tool round trip"(model) {
    const request = { ...ask(model(), "How is it?"), tools };
    const got = await chat.create(request);
    assert.equal(got.choices[0].finish_reason, "tool_calls");
    await answerTools(request, got.choices[0].message);
  },

  async "tools streamed"(model) {
    const request = { ...ask(model(), "How is it?"), tools };
    const got = await chat.stream(request).finalChatCompletion();
    await answerTools(request, got.choices[0].message);
  },

  // The SDK itself calls the tools and sends their results back.
  async "tools run by the SDK"(model) {
    const asked = [];
    const runnable = tools.map((t) => ({
      type: "function",
      function: {
        ...t.function,
        parse: JSON.parse,
        function: (args) => {
          asked.push([t.function.name, args.city]);
          return results[t.function.name];
        },
      },
    }));
    const got = await chat.runTools({ ...ask(model(), "How is it?"), tools: runnable }).finalContent();
    assert.equal(got, told);
    assert.deepEqual(asked, Object.keys(results).map((name) => [name, "Paris"]));
  },

  async image(model) {
    const content = [
      { type: "text", text: "What is this?" },
      { type: "image_url", image_url: { url: `data:image/png;base64,${vendor.pixel}` } },
    ];
    const got = await chat.create(ask(model(), content));
    assert.equal(got.choices[0].message.content, vendor.seen);
  },

  async "structured output"(model) {
    const response_format = { type: "json_schema", json_schema: { name: "place", strict: true, schema } };
    const got = await chat.parse({ ...ask(model(), "Where?"), response_format });
    assert.deepEqual(JSON.parse(got.choices[0].message.content), JSON.parse(vendor.arguments));
    assert.equal(got.choices[0].finish_reason, "stop");
  },

  async thinking(model) {
    const got = await chat.create({ ...ask(model("thinks"), "Hello"), reasoning_effort: "low", max_completion_tokens: 4096 });
    assert.equal(got.choices[0].message.reasoning_content, vendor.thought);
    assert.equal(got.choices[0].message.content, vendor.text);
  },

  // The SDK asks for base64 by itself and decodes it.
  async embeddings(model) {
    const got = await client.embeddings.create({ model: model("embeds"), input: ["one", "two"] });
    assert.deepEqual(got.data.map((d) => Array.from(d.embedding)), [vendor.vector, vendor.vector]);
  },

  async responses(model) {
    const request = { model: model(), instructions, input: "Hello", max_output_tokens: 64 };
    const got = await client.responses.create(request);
    assert.equal(got.output_text, vendor.text);
    assert.equal(got.status, "completed");
    assert.equal(got.usage.output_tokens, vendor.completionTokens);
    const streamed = await client.responses.stream(request).finalResponse();
    assert.equal(streamed.output_text, vendor.text);
  },

  async "responses with tools"(model) {
    const functions = tools.map((t) => ({ type: "function", strict: false, ...t.function }));
    const first = await client.responses.create({ model: model(), input: "How is it?", tools: functions });
    const calls = first.output.filter((item) => item.type === "function_call");
    assert.deepEqual(calls.map((c) => c.name), Object.keys(results));
    const input = calls.map((c) => ({ type: "function_call_output", call_id: c.call_id, output: results[c.name] }));
    const got = await client.responses.create({ model: model(), input, tools: functions, previous_response_id: first.id });
    assert.equal(got.output_text, told);
  },

  async errors(model) {
    await rejects(chat.create(ask(model("busy"), "Hello")), RateLimitError, (e) => {
      assert.equal(e.headers.get("retry-after"), vendor.retryAfter);
      assert.match(e.message, new RegExp(vendor.busy));
    });
    await rejects(chat.create(ask(model("refuses"), "Hello")), BadRequestError, (e) => assert.match(e.message, new RegExp(vendor.refuses)));
    await rejects(chat.create({ ...ask(model("busy"), "Hello"), stream: true }), RateLimitError);
  },

  async "streams that fail"(model) {
    for (const kind of ["cuts", "breaks"]) {
      let said = "";
      await rejects((async () => {
        for await (const chunk of await chat.create({ ...ask(model(kind), "Hello"), stream: true })) said += chunk.choices[0]?.delta?.content ?? "";
      })(), Error);
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

  async "an unknown key"(model) {
    const stranger = new OpenAI({ apiKey: "sk-unknown", baseURL: `${base}/v1`, maxRetries: 0 });
    await rejects(stranger.chat.completions.create(ask(model, "Hello")), AuthenticationError);
  },
});
