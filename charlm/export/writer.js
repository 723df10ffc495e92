"use strict";

// --- Random numbers

const WORD = 0xFFFFFFFFFFFFFFFFn;

// Philox 4x64 with ten rounds (Salmon et al. 2011): block n of a key is a function of n. Numbers in [0, 1) with 53 bits,
// those of NumPy's Generator.random().
function* uniforms(seed, purpose) {
  for (let block = 1n; ; block++) {
    let words = [block, 0n, 0n, 0n], keys = [seed, purpose];
    for (let round = 0; round < 10; round++) {
      const a = 0xD2E7470EE14C6C93n * words[0], b = 0xCA5A826395121157n * words[2];
      words = [(b >> 64n) ^ words[1] ^ keys[0], b & WORD, (a >> 64n) ^ words[3] ^ keys[1], a & WORD];
      keys = [(keys[0] + 0x9E3779B97F4A7C15n) & WORD, (keys[1] + 0xBB67AE8584CAA73Bn) & WORD];
    }
    for (const word of words) yield Number(word >> 11n) / 2 ** 53;
  }
}

// --- The network

const sigmoid = x => 1 / (1 + Math.exp(-x));
const tanh = Math.tanh;

// out += W x, for W with a row for each element of out, one row after the other.
function addProduct(out, W, x) {
  const width = x.length, last = out.length - out.length % 4;
  for (let i = 0, at = 0; i < last; i += 4, at += 4 * width) { // four rows at once take two thirds of the time
    let a = 0, b = 0, c = 0, d = 0;
    for (let j = 0, k = at; j < width; j++, k++) {
      const value = x[j];
      a += W[k] * value;
      b += W[k + width] * value;
      c += W[k + 2 * width] * value;
      d += W[k + 3 * width] * value;
    }
    out[i] += a;
    out[i + 1] += b;
    out[i + 2] += c;
    out[i + 3] += d;
  }
  for (let i = last; i < out.length; i++) {
    for (let j = 0, k = i * width; j < width; j++, k++) out[i] += W[k] * x[j];
  }
}

// A recurrent layer that reads one symbol at a time:
//   columns = W_x x + b + W_h h'   for the gates that take the sum; of the others W_x x + b, and behind all W_h h' + b_h
//   states  = cell(columns, states)
class Layer {
  constructor({ hidden, gates, summed, carried }, tensors, number) {
    const get = name => tensors[`rnn.${name}_l${number}`];
    const sums = summed * hidden;
    this.hidden = hidden;
    this.states = Array.from({ length: carried }, () => new Float32Array(hidden));
    this.columns = new Float32Array((2 * gates - summed) * hidden);
    this.ofInput = this.columns.subarray(0, gates * hidden);
    this.ofBoth = this.columns.subarray(0, sums);
    this.ofState = this.columns.subarray(gates * hidden);
    [this.W_x, this.b, this.b_h] = [get("weight_ih"), get("bias_ih"), get("bias_hh")];
    this.W_h = get("weight_hh").subarray(0, sums * hidden);
    this.W_hSplit = get("weight_hh").subarray(sums * hidden);
  }

  restart() {
    for (const state of this.states) state.fill(0);
  }

  // Take one step, given the input, or where that is a one-hot vector its place in it; return h.
  step(x, place, width) {
    this.ofInput.set(this.b);
    if (x) addProduct(this.ofInput, this.W_x, x);
    else for (let i = 0; i < this.ofInput.length; i++) this.ofInput[i] += this.W_x[i * width + place];
    addProduct(this.ofBoth, this.W_h, this.states[0]);
    if (this.b_h) {
      this.ofState.set(this.b_h);
      addProduct(this.ofState, this.W_hSplit, this.states[0]);
    }
    cell(this.columns, this.states, this.hidden);
    return this.states[0];
  }
}

class Network {
  constructor({ architecture, tensors, symbols }) {
    this.symbols = symbols;
    this.start = architecture.start;
    this.embedding = tensors["embedding.weight"];
    this.width = architecture.embedding;
    this.layers = Array.from({ length: architecture.layers }, (_, number) => new Layer(architecture, tensors, number));
    this.decoder = tensors["decoder.weight"] ?? this.embedding; // one matrix where weights are tied
    this.bias = tensors["decoder.bias"];
    this.logits = new Float32Array(symbols);
  }

  restart() {
    for (const layer of this.layers) layer.restart();
  }

  // Read one symbol, and return the logits of what comes next, which the next call overwrites.
  read(symbol) {
    if (symbol === this.start) this.restart(); // a line knows nothing of those before
    let h = this.embedding?.subarray(symbol * this.width, (symbol + 1) * this.width);
    for (const layer of this.layers) h = layer.step(h, symbol, this.symbols);
    this.logits.set(this.bias);
    addProduct(this.logits, this.decoder, h);
    return this.logits;
  }
}

// --- The n-gram

const VARIETIES = [1, 2, 4]; // different followers of a context, the most of each class but the last

function begins(lengths) {
  const result = new Uint32Array(lengths.length + 1);
  for (let k = 0; k < lengths.length; k++) result[k + 1] = result[k] + lengths[k];
  return result;
}

// Interpolated Kneser-Ney (Kneser & Ney 1995; Chen & Goodman 1999):
//   p_m(w | c) = (count(c, w) - D) / total(c) + backoff(c) p_{m-1}(w | suffix of c),    p_{-1}(w) = 1 / V
class Counts {
  constructor({ order, tensors, symbols }) {
    this.p = new Float64Array(symbols);
    this.orders = Array.from({ length: order }, (_, m) => {
      const get = name => tensors[`ngram.${m}.${name}`];
      return {
        older: get("older"), // of each context, the symbol before its suffix
        extended: m && begins(get("extended")), // where the contexts begin that have a suffix
        followers: begins(get("followers")),
        symbols: get("symbols"),
        counts: get("counts"),
        discounts: get("discounts"),
      };
    });
    this.restart();
  }

  restart() {
    this.recent = []; // the last symbol first
  }

  // Return the places of the contexts of length 0, 1, ... that the text ends with, as far as there are such contexts.
  path() {
    const path = [0];
    for (const { older, extended } of this.orders.slice(1)) {
      const symbol = this.recent[path.length - 1], suffix = path[path.length - 1];
      let first = extended[suffix], last = extended[suffix + 1];
      while (first < last) {
        const middle = (first + last) >> 1;
        if (older[middle] < symbol) first = middle + 1;
        else last = middle;
      }
      if (symbol === undefined || first === extended[suffix + 1] || older[first] !== symbol) break;
      path.push(first);
    }
    return path;
  }

  // Read one symbol; return the probabilities of what comes next, and the kind of the longest context.
  read(symbol) {
    this.recent = [symbol, ...this.recent].slice(0, this.orders.length - 1);
    const path = this.path(), p = this.p.fill(1 / this.p.length);
    let variety = 0;
    path.forEach((place, m) => {
      const { followers, symbols, counts, discounts } = this.orders[m];
      const taken = k => discounts[Math.min(counts[k], discounts.length) - 1];
      let total = 0, left = 0;
      for (let k = followers[place]; k < followers[place + 1]; k++) {
        total += counts[k];
        left += taken(k);
      }
      for (let w = 0; w < p.length; w++) p[w] *= left / total;
      for (let k = followers[place]; k < followers[place + 1]; k++) p[symbols[k]] += (counts[k] - taken(k)) / total;
      variety = VARIETIES.filter(most => most < followers[place + 1] - followers[place]).length;
    });
    return [p, (path.length - 1) * (VARIETIES.length + 1) + variety];
  }
}

// The network and the n-gram together: logits = a_k f(network) + s_k log p(n-gram), for the kind k of context.
class Mixture {
  constructor(network, counts, scales) {
    [this.network, this.counts, this.scales] = [network, counts, scales];
  }

  restart() {
    this.network.restart();
    this.counts.restart();
  }

  read(symbol) {
    const logits = this.network.read(symbol), [p, kind] = this.counts.read(symbol);
    const ofNetwork = this.scales[2 * kind], ofCounts = this.scales[2 * kind + 1];
    for (let w = 0; w < logits.length; w++) logits[w] = ofNetwork * logits[w] + ofCounts * Math.log(p[w]);
    return logits;
  }
}

// --- What to draw

// Return the softmax of logits at a temperature above 0.
function softmax(logits, temperature = 1) {
  const p = new Float64Array(logits.length);
  const highest = logits.reduce((a, b) => Math.max(a, b));
  let total = 0;
  for (let w = 0; w < p.length; w++) total += p[w] = Math.exp((logits[w] - highest) / temperature);
  return p.map(value => value / total);
}

// Return what to draw from: temperature, top-k, top-p (Holtzman et al. 2020), min-p (Nguyen et al. 2024), in that order.
function narrowed(logits, { temperature, topK, topP, minP }) {
  if (temperature === 0) {
    const p = new Float64Array(logits.length);
    p[logits.indexOf(logits.reduce((a, b) => Math.max(a, b)))] = 1;
    return p;
  }
  const p = softmax(logits, temperature);
  if (topK === Infinity && topP === Infinity && minP === 0) return p;
  const order = Array.from(p.keys()).sort((a, b) => p[b] - p[a]); // equally likely symbols keep their order
  const likeliest = p[order[0]];
  let first = 0, before = 0, total = 0; // what the first topK have together, those before, and those that stay
  order.slice(0, topK).forEach(w => first += p[w]);
  order.forEach((w, rank) => {
    const share = p[w];
    if (!(rank < topK && before / first < topP && share >= minP * likeliest)) p[w] = 0;
    before += share;
    total += p[w];
  });
  return p.map(value => value / total);
}

// Return the symbol at which the cumulated probability passes a uniform number.
function drawn(p, uniform) {
  let total = 0;
  for (const value of p) total += value;
  const limit = uniform * total;
  let cumulated = 0;
  for (let w = 0; w < p.length; w++) {
    cumulated += p[w];
    if (cumulated > limit) return w;
  }
  throw new Error("The logits of the model are not finite numbers.");
}

// --- Symbols and text

class Vocabulary {
  constructor({ unit, symbols, form }) {
    this.form = form;
    this.bytes = unit === "byte";
    this.symbols = symbols;
    this.ids = new Map(symbols.map((symbol, id) => [symbol, id]));
  }

  // Return a text with the newlines, the normal form and the case of the model's corpus.
  inForm(text) {
    const { newlines, normalize, lowercase } = this.form;
    const normal = text => normalize ? text.normalize(normalize) : text;
    if (newlines === "lf") text = text.replace(/\r\n?/g, "\n");
    return normal(lowercase ? normal(text).toLowerCase() : text);
  }

  // Return the ids of a text that is in form.
  encode(text) {
    const symbols = [...(this.bytes ? new TextEncoder().encode(text) : text)];
    const unknown = symbols.find(symbol => !this.ids.has(symbol));
    if (unknown !== undefined) throw new Error(`The model does not know ${JSON.stringify(unknown)}.`);
    return symbols.map(symbol => this.ids.get(symbol));
  }

  // Return a function that gives the text that a symbol completes: of bytes, none within a UTF-8 sequence.
  speller() {
    if (!this.bytes) return id => id === undefined ? "" : this.symbols[id];
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    return id => id === undefined ? decoder.decode() : decoder.decode(new Uint8Array([this.symbols[id]]), { stream: true });
  }
}

// Yield [text, bits] for each symbol that is written: what it completes, and its surprise at temperature 1.
function* writing(model, { prompt, length, stop, seed, ...narrow }) {
  const { predictor, vocabulary, never } = model;
  const given = vocabulary.encode(prompt), random = uniforms(seed, BigInt(model.purpose)), spell = vocabulary.speller();
  predictor.restart();
  let logits, end = "";
  for (const symbol of given.length && !model.lines ? given : [model.begin, ...given]) logits = predictor.read(symbol);
  for (let n = 1; n <= length; n++) {
    const allowed = Float64Array.from(logits);
    if (never !== null) allowed[never] = -Infinity;
    const symbol = drawn(narrowed(allowed, narrow), random.next().value);
    const text = spell(symbol) + (n === length ? spell() : "");
    yield [text, -Math.log2(softmax(logits)[symbol])];
    end += text;
    if (stop && end.includes(stop)) return;
    end = end.slice(-Math.max(stop.length, 1));
    if (n < length) logits = predictor.read(symbol);
  }
}

// --- The model in the page

const ARRAYS = {
  "|i1": Int8Array, "|u1": Uint8Array, "<u2": Uint16Array, "<u4": Uint32Array,
  "<f2": Uint16Array, "<f4": Float32Array, "<f8": Float64Array,
};

// Return the value of a number in half precision, given its 16 bits (IEEE 754-2008).
function half(bits) {
  const sign = bits >> 15 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), character => character.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

async function load(content) {
  const data = await unpacked(content.data), tensors = {};
  let at = 0;
  for (const [name, type, size] of content.tensors) {
    const array = new ARRAYS[type](data.slice(at, at + size));
    at += size;
    tensors[name] = type === "<f2" ? Float32Array.from(array, half) : array;
  }
  for (const [name, scales] of Object.entries(tensors)) {
    if (!name.endsWith(".scales")) continue;
    const rows = tensors[name.slice(0, -".scales".length)], width = rows.length / scales.length;
    tensors[name.slice(0, -".scales".length)] = Float32Array.from(rows, (q, k) => q * scales[Math.floor(k / width)]);
  }
  const { architecture, order } = content, symbols = content.symbols.length;
  const network = new Network({ architecture, tensors, symbols });
  const predictor = order ? new Mixture(network, new Counts({ order, tensors, symbols }), tensors.factors) : network;
  return { ...content, predictor, vocabulary: new Vocabulary(content), lines: architecture.start !== null };
}

// --- The controls

const SLICE = 30; // milliseconds of writing, after which the browser has its turn
const element = id => document.getElementById(id);
let model, going = false;

function say(text) {
  element("status").textContent = text;
}

// Return the number in a field, or what stands for an empty one.
function number(id, empty, holds, words) {
  const field = element(id), value = field.value.trim() === "" ? empty : Number(field.value);
  if (field.validity.badInput || !holds(value)) throw new Error(`${field.labels[0].textContent} must be ${words}.`);
  return value;
}

function options() {
  const typed = element("seed").value.trim(), whole = Number.isInteger;
  const seed = typed === "" ? crypto.getRandomValues(new Uint32Array(1))[0] : typed;
  if (!/^\d{1,20}$/.test(seed) || BigInt(seed) > WORD) throw new Error("Seed must be a whole number below 2^64.");
  const [prompt, stop] = ["prompt", "stop"].map(id => model.vocabulary.inForm(element(id).value));
  for (const text of [prompt, stop]) model.vocabulary.encode(text);
  return {
    prompt,
    stop,
    length: number("length", 500, x => whole(x) && 0 <= x && x <= 1e6, "a whole number of at most 1,000,000"),
    temperature: number("temperature", 0.8, x => x >= 0, "at least 0"),
    topK: number("top-k", Infinity, x => x === Infinity || whole(x) && x >= 1, "a whole number of at least 1"),
    topP: number("top-p", Infinity, x => x === Infinity || 0 < x && x <= 1, "above 0 and at most 1"),
    minP: number("min-p", 0, x => 0 <= x && x <= 1, "between 0 and 1"),
    seed: BigInt(seed),
  };
}

function show(text, className) {
  const last = element("text").lastChild;
  if (last?.className === className) last.textContent += text;
  else element("text").append(Object.assign(document.createElement("span"), { textContent: text, className }));
}

function report({ seed }, count, bits, milliseconds) {
  const unit = model.vocabulary.bytes ? "bytes" : "characters", per = Math.round(count / milliseconds * 1000);
  const figures = count ? `, ${(bits / count).toFixed(2)} bits each, ${per.toLocaleString("en")} a second` : "";
  say(`Seed ${seed}: ${count.toLocaleString("en")} ${unit}${figures}.`);
}

async function write() {
  const chosen = options(), began = performance.now();
  let count = 0, sum = 0, surprise = 0, until = began + SLICE;
  element("text").replaceChildren();
  show(chosen.prompt, "given");
  for (const [text, bits] of writing(model, chosen)) {
    count += 1;
    sum += bits;
    surprise += bits;
    if (text) {
      show(text, `s${model.levels.filter(level => level <= surprise).length}`);
      surprise = 0;
    }
    if (performance.now() > until) {
      report(chosen, count, sum, performance.now() - began);
      await new Promise(resume => setTimeout(resume));
      if (!going) break;
      until = performance.now() + SLICE;
    }
  }
  report(chosen, count, sum, performance.now() - began);
}

async function start() {
  going = true;
  [element("write").disabled, element("halt").disabled] = [true, false];
  try {
    await write();
  } catch (error) {
    say(error.message);
  }
  going = false;
  [element("write").disabled, element("halt").disabled] = [false, true];
}

element("controls").addEventListener("submit", event => {
  event.preventDefault();
  start();
});
element("halt").addEventListener("click", () => going = false);
load(JSON.parse(element("model").textContent)).then(loaded => {
  model = loaded;
  element("write").disabled = false;
  say("Ready.");
});
