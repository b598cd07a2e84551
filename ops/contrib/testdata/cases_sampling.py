"""Cases of text generation that draws tokens: with the generator of ONNX Runtime on Linux, C++'s minstd_rand0, drawn values agree."""

import numpy as np
from cases_search import at, ban, first, gpt, i32, ids, padded
from make import case

S = "Sampling"


def inputs(ids, most, seed, least=None, mask=None, prefix=None, attention=None):
    return [ids, i32(most), least, None, mask, prefix, attention, None, i32(seed)]


for seed in range(4):
    case(S, f"seed-{seed}", inputs(ids, 12, seed, i32(12) if seed > 1 else None), {**at, "decoder": gpt(20 + seed), "top_p": 0.9})
case(S, "temperature", inputs(ids, 12, 7, i32(6)), {**at, "decoder": gpt(30), "top_p": 0.7, "temperature": 2.5})
case(S, "keep", inputs(ids, 12, 8), {**at, "decoder": gpt(31), "top_p": 0.05, "min_tokens_to_keep": 3})
case(S, "custom", inputs(ids, 12, 9, i32(12)), {**at, "decoder": gpt(32), "top_p": 0.6, "custom": 1})
case(S, "most-probable", inputs(padded, 10, 1), {**at, "decoder": gpt(33), "top_p": 0.01})
case(S, "masks", inputs(ids, 8, 2, None, ban, first), {**at, "decoder": gpt(34), "init_decoder": gpt(34), "top_p": 0.8, "no_repeat_ngram_size": 2})
