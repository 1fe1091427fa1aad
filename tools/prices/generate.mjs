// Writes shared/price/table from the npm package @pydantic/genai-prices: the
// price table in this project's own format (described in shared/price/table.go),
// the licence of the data, and answers of the package itself that a test holds
// our arithmetic against.
//
// Whatever the table cannot express stops the program: a price must not be
// lost in silence when the package is upgraded.
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const source = path.join(here, 'node_modules/@pydantic/genai-prices')
const target = path.join(here, '../../shared/price')
const { version } = JSON.parse(fs.readFileSync(path.join(source, 'package.json'), 'utf8'))

// The names of the table for the price keys of the package, and the quantity
// that a price of the package is for. Ours are all for a million.
const units = {
  input_mtok: ['input', 1e6],
  output_mtok: ['output', 1e6],
  output_reasoning_mtok: ['reasoning', 1e6],
  output_citation_mtok: ['citation', 1e6],
  cache_read_mtok: ['cache_read', 1e6],
  cache_write_mtok: ['cache_write', 1e6],
  cache_write_5m_mtok: ['cache_write', 1e6],
  cache_write_1h_mtok: ['cache_write_1h', 1e6],
  input_audio_mtok: ['audio_input', 1e6],
  output_audio_mtok: ['audio_output', 1e6],
  cache_audio_read_mtok: ['audio_cache_read', 1e6],
  cache_audio_write_mtok: ['audio_cache_write', 1e6],
  input_image_mtok: ['image_input', 1e6],
  output_image_mtok: ['image_output', 1e6],
  cache_image_read_mtok: ['image_cache_read', 1e6],
  input_video_mtok: ['video_input', 1e6],
  output_video_mtok: ['video_output', 1e6],
  input_mchars: ['input_character', 1e6],
  input_gpixels: ['input_pixel', 1e9],
  audio_hours: ['audio_second', 3600],
  input_audio_hours: ['audio_input_second', 3600],
  output_audio_hours: ['audio_output_second', 3600],
  input_document_kpages: ['page', 1e3],
  input_annotated_document_kpages: ['annotated_page', 1e3],
  requests_kcount: ['request', 1e3],
  rerank_searches_kcount: ['query', 1e3],
  web_searches_kcount: ['web_search', 1e3],
  storage_searches_kcount: ['file_search', 1e3],
  code_executions_kcount: ['code_session', 1e3],
  input_text_messages_kcount: ['text_message', 1e3],
}

// Groq bills ten seconds of audio at least. The package has that in its code:
// https://console.groq.com/docs/speech-to-text
const minimumAudioSeconds = { groq: { 'whisper-large-v3': 10, 'whisper-large-v3-turbo': 10 } }

function fail(message) {
  console.error('prices: ' + message)
  process.exit(1)
}

// load imports the package with its data, which it keeps to itself.
async function load() {
  const code = fs.readFileSync(path.join(source, 'dist/index.js'), 'utf8')
  const name = /^const (\w+) = \[/.exec(code)?.[1] ?? fail('the package does not begin with its data any more')
  return import('data:text/javascript,' + encodeURIComponent(`${code}\nexport { ${name} as data }`))
}

// perMillion scales a price exactly: at most nine decimals, rounded half up.
function perMillion(price, quantity) {
  const [digits, exponent = '0'] = String(price).split('e')
  const [whole, fraction = ''] = digits.split('.')
  let numerator = BigInt(whole + fraction) * 10n ** 15n
  let denominator = BigInt(quantity) * 10n ** BigInt(fraction.length)
  if (Number(exponent) < 0) denominator *= 10n ** BigInt(-Number(exponent))
  else numerator *= 10n ** BigInt(exponent)
  const nanos = (2n * numerator + denominator) / (2n * denominator)
  const text = nanos.toString().padStart(10, '0')
  return `${text.slice(0, -9)}.${text.slice(-9)}`.replace(/\.?0+$/, '')
}

function prices(where, all) {
  const out = []
  for (const [key, value] of Object.entries(all)) {
    const [unit, quantity] = units[key] ?? fail(`${where}: price key ${key} is not known`)
    if (typeof value === 'number') {
      out.push(`${unit}=${perMillion(value, quantity)}`)
      continue
    }
    out.push(`${unit}=${perMillion(value.base, quantity)}`)
    for (const { start, price } of value.tiers) out.push(`${unit}>${start}=${perMillion(price, quantity)}`)
  }
  // The package has no prices at all for what is free.
  return out.length ? out : ['input=0', 'output=0']
}

// atom is one condition on a model name: = equals, ^ starts with, $ ends with,
// * contains, ! none of them. '#' stands for a digit.
function atom(where, kind, text) {
  if (/[\s&#]/.test(text)) fail(`${where}: cannot write ${text}`)
  return kind + text.toLowerCase()
}

function pattern(where, regex) {
  if (regex === '^(?!.*-[tT][tT][sS](?:$|-))') return '!$-tts&!*-tts-'
  const m = /^\^((?:\\[-.[\]]|[\w/=-])*)((?:\\d(?:\{\d\})?-?)+)?(\$?)$/.exec(regex)
  if (!m) fail(`${where}: cannot write the pattern ${regex}`)
  const text = atom(where, '', m[1].replace(/\\(.)/g, '$1'))
  const digits = (m[2] ?? '').replace(/\\d\{(\d)\}/g, (_, n) => '#'.repeat(n)).replaceAll('\\d', '#')
  return (m[3] ? '=' : '^') + text + digits
}

// alternatives lists the ways in which a name matches, each a conjunction.
function alternatives(where, clause) {
  const [[kind, value], ...more] = Object.entries(clause)
  if (more.length) fail(`${where}: a match clause has several members`)
  switch (kind) {
    case 'or':
      return value.flatMap((c) => alternatives(where, c))
    case 'and': {
      const parts = value.map((c) => alternatives(where, c))
      return parts.reduce((all, part) => all.flatMap((a) => part.map((b) => `${a}&${b}`)))
    }
    case 'regex':
      return [pattern(where, value)]
    case 'equals':
      return [atom(where, '=', value)]
    case 'starts_with':
      return [atom(where, '^', value)]
    case 'ends_with':
      return [atom(where, '$', value)]
    case 'contains':
      return [atom(where, '*', value)]
    default:
      return fail(`${where}: match clause ${kind} is not known`)
  }
}

function constraint(where, c) {
  if (c.type === 'start_date') return '+' + c.start_date
  const time = (t) => /^(\d\d:\d\d):00Z$/.exec(t)?.[1] ?? fail(`${where}: cannot write the time ${t}`)
  if (c.type === 'time_of_date') return `+${time(c.start_time)}-${time(c.end_time)}`
  return fail(`${where}: constraint ${c.type} is not known`)
}

function model(provider, m) {
  const where = `${provider.id} ${m.id}`
  const periods = Array.isArray(m.prices) ? m.prices : [{ prices: m.prices }]
  if (periods[0].constraint) fail(`${where}: the first price has a constraint`)
  const minimum = minimumAudioSeconds[provider.id]?.[m.id]
  const lines = periods.map((p) => {
    const list = prices(where, p.prices)
    if (minimum) list.push(`minimum_audio_second=${minimum}`)
    return list.join(' ')
  })
  if (/^[[+#]/.test(m.id)) fail(`${where}: cannot write the name`)
  const names = [...new Set(alternatives(where, m.match))].join(' ')
  const head = [atom(where, '', m.id), m.context_window ?? '', names, lines[0]].join('\t')
  return [head, ...periods.slice(1).map((p, i) => `${constraint(where, p.constraint)}\t${lines[i + 1]}`)]
}

function table(data) {
  const out = [
    `# Generated by 'make prices'; do not edit.`,
    `# Data: npm package @pydantic/genai-prices ${version}, https://github.com/pydantic/genai-prices`,
    `# Licence of the data: MIT, Copyright (c) Pydantic Services Inc. 2025 to present; see LICENSE beside this file.`,
    `# USD for a million units. The format is described in shared/price/table.go.`,
  ]
  for (const p of data) {
    out.push([`[${p.id}]`, ...(p.fallback_model_providers ?? [])].join(' '))
    for (const m of p.models) out.push(...model(p, m))
  }
  return out.join('\n') + '\n'
}

// cases asks the package for the prices of a sample: all that depends on size
// or time, and some of each provider.
function cases(calcPrice, data) {
  const out = []
  const times = ['2026-01-15T12:00:00Z', '2026-11-22T02:30:00Z', '2027-02-01T20:00:00Z']
  const usages = [
    { input_tokens: 1234, output_tokens: 567, cache_read_tokens: 200 },
    { input_tokens: 300000, output_tokens: 4000, cache_read_tokens: 100000 },
  ]
  for (const provider of data) {
    provider.models.forEach((m, i) => {
      const special = Array.isArray(m.prices) || Object.values(m.prices).some((v) => typeof v === 'object')
      if (!special && i % 6) return
      for (const timestamp of special ? times : times.slice(1, 2)) {
        for (const usage of special ? usages : usages.slice(0, 1)) {
          const price = calcPrice(usage, m.id, { providerId: provider.id, timestamp: new Date(timestamp) })
          if (!price || price.provider.id !== provider.id) continue
          const { input_tokens, output_tokens, cache_read_tokens } = usage
          const total = Number(price.total_price.toPrecision(12))
          out.push([provider.id, m.id, price.model.id, timestamp, input_tokens, output_tokens, cache_read_tokens, total].join('\t'))
        }
      }
    })
  }
  return `# Answers of @pydantic/genai-prices ${version}, written by 'make prices'.\n` + out.join('\n') + '\n'
}

const { data, calcPrice } = await load()
if (data.length < 40 || data.flatMap((p) => p.models).length < 1000) fail('the package lost most of its data')
fs.mkdirSync(path.join(target, 'table'), { recursive: true })
fs.mkdirSync(path.join(target, 'testdata'), { recursive: true })
fs.writeFileSync(path.join(target, 'table/prices.txt'), table(data))
fs.copyFileSync(path.join(source, 'LICENSE'), path.join(target, 'table/LICENSE'))
fs.writeFileSync(path.join(target, 'testdata/answers.tsv'), cases(calcPrice, data))
