// The cases of LangChain's classes for OpenAI, which many programs use instead
// of the SDK.
import assert from "node:assert/strict";
import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { base, cases, holdReport, instructions, key, parameters, rejects, results, schema, told, vendor } from "./target.mjs";

const common = { apiKey: key, maxRetries: 0, configuration: { baseURL: `${base}/v1` } };
const chat = (model, more = {}) => new ChatOpenAI({ ...common, model, maxTokens: 64, ...more });
const ask = (text) => [new SystemMessage(instructions), new HumanMessage(text)];
const tools = Object.entries(results).map(([name, result]) => tool(() => result, { name, description: "What it says.", schema: parameters }));

async function answerTools(model, request, message) {
  assert.deepEqual(message.tool_calls.map((c) => c.name), Object.keys(results));
  for (const call of message.tool_calls) assert.deepEqual(call.args, JSON.parse(vendor.arguments));
  const given = await Promise.all(message.tool_calls.map((call, i) => tools[i].invoke(call)));
  assert.ok(given.every((m) => m instanceof ToolMessage));
  assert.equal((await model.invoke([...request, message, ...given])).text, told);
}

cases({
  async chat(model) {
    const got = await chat(model()).invoke(ask("Hello"));
    assert.equal(got.text, vendor.text);
    assert.equal(got.usage_metadata.input_tokens, vendor.promptTokens);
    assert.equal(got.usage_metadata.output_tokens, vendor.completionTokens);
  },

  async stream(model) {
    let whole;
    let chunks = 0;
    for await (const chunk of await chat(model()).stream(ask("Hello"))) {
      whole = whole ? whole.concat(chunk) : chunk;
      chunks++;
    }
    assert.equal(whole.text, vendor.text);
    assert.ok(chunks >= 5, "arrived in one piece");
    assert.equal(whole.usage_metadata.output_tokens, vendor.completionTokens);
  },

  async parameters(model) {
    const got = await chat(model(), { temperature: 0.5, stop: ["END"] }).invoke([
      new SystemMessage(instructions), new HumanMessage("First"), new AIMessage("Second"), new HumanMessage(vendor.report),
    ]);
    holdReport(got.text);
  },

  async "tool round trip"(model) {
    const request = ask("How is it?");
    const withTools = chat(model()).bindTools(tools);
    await answerTools(withTools, request, await withTools.invoke(request));
  },

  async "tools streamed"(model) {
    const request = ask("How is it?");
    const withTools = chat(model()).bindTools(tools);
    let whole;
    for await (const chunk of await withTools.stream(request)) whole = whole ? whole.concat(chunk) : chunk;
    await answerTools(withTools, request, whole);
  },

  async image(model) {
    const content = [
      { type: "text", text: "What is this?" },
      { type: "image_url", image_url: { url: `data:image/png;base64,${vendor.pixel}` } },
    ];
    assert.equal((await chat(model()).invoke(ask(content))).text, vendor.seen);
  },

  async "structured output"(model) {
    for (const method of ["jsonSchema", "functionCalling"]) {
      const structured = chat(model()).withStructuredOutput({ title: "place", ...schema }, { method, name: "place", strict: true });
      assert.deepEqual(await structured.invoke(ask("Where?")), JSON.parse(vendor.arguments));
    }
  },

  async "through responses"(model) {
    const got = await chat(model(), { useResponsesApi: true }).invoke(ask("Hello"));
    assert.equal(got.text, vendor.text);
  },

  async embeddings(model) {
    const embeddings = new OpenAIEmbeddings({ ...common, model: model("embeds") });
    assert.deepEqual(await embeddings.embedDocuments(["one", "two"]), [vendor.vector, vendor.vector]);
  },

  async errors(model) {
    await rejects(chat(model("busy")).invoke(ask("Hello")), Error, (e) => assert.equal(e.status, 429));
    await rejects(chat(model("refuses")).invoke(ask("Hello")), Error, (e) => assert.equal(e.status, 400));
  },

  async "streams that fail"(model) {
    for (const kind of ["cuts", "breaks"]) {
      await rejects((async () => {
        for await (const _ of await chat(model(kind)).stream(ask("Hello")));
      })(), Error);
    }
  },
});
