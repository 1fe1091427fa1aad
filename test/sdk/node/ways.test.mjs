// The ways by which clients of OpenAI find their endpoint: with the version in
// the path, without it, and as Azure has it; on the built-in mock and a vendor.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI, { AuthenticationError, AzureOpenAI, BadRequestError, NotFoundError, RateLimitError } from "openai";
import { base, key as apiKey, vendor } from "./target.mjs";

const { text } = vendor;

const clients = {
  "with v1": new OpenAI({ apiKey, baseURL: `${base}/v1`, maxRetries: 0 }),
  "without v1": new OpenAI({ apiKey, baseURL: base, maxRetries: 0 }),
  azure: new AzureOpenAI({ apiKey, endpoint: base, apiVersion: "2024-10-21", maxRetries: 0 }),
};
const sides = {
  mock: { chat: "mock", completions: "mock", embeddings: "mock" },
  vendor: { chat: "gpt", completions: "instruct", embeddings: "embed" },
};
const messages = [{ role: "user", content: text }];
const tools = [
  {
    type: "function",
    function: {
      name: "get_weather",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];
const tool_choice = { type: "function", function: { name: "get_weather" } };

for (const [way, client] of Object.entries(clients)) {
  for (const [side, models] of Object.entries(sides)) {
    const model = models.chat;

    test(`${way}: chat by ${side}`, async () => {
      const { data, response } = await client.chat.completions.create({ model, messages }).withResponse();
      assert.equal(data.model, model);
      assert.equal(data.choices[0].message.content, text);
      assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
      assert.ok(response.headers.get("x-tianji-call-id"));
    });

    test(`${way}: stream by ${side}`, async () => {
      const stream = await client.chat.completions.create({
        model, messages, stream: true, stream_options: { include_usage: true },
      });
      let said = "";
      let usage = null;
      let chunks = 0;
      for await (const chunk of stream) {
        chunks++;
        assert.equal(chunk.model, model);
        said += chunk.choices[0]?.delta?.content ?? "";
        usage = chunk.usage ?? usage;
      }
      assert.equal(said, text);
      assert.ok(chunks > 3);
      assert.ok(usage.total_tokens > 0);
    });

    test(`${way}: accumulated stream of a tool call by ${side}`, async () => {
      const final = await client.chat.completions.stream({ model, messages, tools, tool_choice }).finalChatCompletion();
      assert.equal(final.choices[0].finish_reason, "tool_calls");
      assert.equal(final.choices[0].message.tool_calls[0].function.name, "get_weather");
      JSON.parse(final.choices[0].message.tool_calls[0].function.arguments);
    });

    test(`${way}: tool call by ${side}`, async () => {
      const got = await client.chat.completions.create({ model, messages, tools, tool_choice });
      assert.equal(got.choices[0].message.tool_calls.length, 1);
      assert.equal(got.choices[0].message.tool_calls[0].type, "function");
    });

    test(`${way}: completions by ${side}`, async () => {
      const got = await client.completions.create({ model: models.completions, prompt: text });
      assert.equal(got.choices[0].text, text);
    });

    // The SDK asks for base64 by itself and decodes it.
    test(`${way}: embeddings by ${side}`, async () => {
      const got = await client.embeddings.create({ model: models.embeddings, input: ["one", "two"] });
      assert.equal(got.data.length, 2);
      assert.ok(got.data[0].embedding.length > 0);
      assert.ok(got.data[0].embedding.every(Number.isFinite));
      if (side === "vendor") assert.deepEqual(Array.from(got.data[1].embedding), vendor.vector);
    });
  }

  test(`${way}: errors`, async () => {
    await assert.rejects(client.chat.completions.create({ model: "busy", messages }), (e) => {
      assert.ok(e instanceof RateLimitError);
      assert.equal(e.status, 429);
      assert.equal(e.code, "429");
      assert.equal(e.type, "throttling_error");
      assert.match(e.message, /Slow down\./);
      return true;
    });
    await assert.rejects(client.chat.completions.create({ model: "no-such-model", messages }), BadRequestError);
  });
}

for (const way of ["with v1", "without v1"]) {
  test(`${way}: models`, async () => {
    const ids = [];
    for await (const model of clients[way].models.list()) ids.push(model.id);
    assert.ok(ids.includes("gpt") && ids.includes("mock"));
    assert.equal((await clients[way].models.retrieve("house/local-model")).id, "house/local-model");
    await assert.rejects(clients[way].models.retrieve("nothing"), NotFoundError);
  });
}

test("an unknown key", async () => {
  const stranger = new OpenAI({ apiKey: "sk-unknown", baseURL: `${base}/v1`, maxRetries: 0 });
  await assert.rejects(stranger.models.list(), AuthenticationError);
});

test("hanging up ends a stream", async () => {
  const stream = await clients["with v1"].chat.completions.create({ model: "gpt", messages, stream: true });
  for await (const chunk of stream) {
    assert.ok(chunk.id);
    break;
  }
  assert.ok(stream.controller.signal.aborted);
});
