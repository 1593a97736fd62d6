// What the model says to a question of one's own, in a page that holds it.
import { softmax, unpackModel } from "./model.js";
import { bytePairTokenizer } from "./tokenizer.js";

const N_ANSWERS = 3;

export const openFacts = (packed) => ({ gpt: unpackModel(packed), tokenizer: bytePairTokenizer(packed.merges) });

// The most probable next tokens, as llmviz.evaluation.ask reads them: [{said, confidence}]. A long text loses its start.
export function factAnswer({ gpt, tokenizer }, name, get) {
  const prompt = (get("asked") ?? "").trim();
  if (!prompt) return { reply: null };
  const ids = [tokenizer.endOfText, ...tokenizer.encode(prompt)].slice(-gpt.config.context_length);
  const probabilities = softmax(gpt.read(ids, { logitsOf: "last" }).at(-1).logits);
  const best = [...probabilities.keys()].sort((one, other) => probabilities[other] - probabilities[one]).slice(0, N_ANSWERS);
  return { reply: { prompt, answers: best.map((id) => ({ said: tokenizer.decode([id]).trim(), confidence: probabilities[id] })) } };
}
