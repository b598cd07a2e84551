"""Cases of generation from sounds, with a tiny encoder and decoder."""

import numpy as np
from cases_search import F32, I32, H, N, Const, at, f, f32, i32, info, init
from make import case, helper

node = helper.make_node
V, D, C = 17, N * H, 3


def whisper(seed, states=False, whole=False, layers=1):
    """The encoder mixes the sounds' channels; each layer adds the means of what it has cached."""
    tables = [init("DE", f32(f"wDE{seed}", V, D)), init("W", f32(f"wW{seed}", D, V)), init("split", np.array([0, 0, N, H])), init("flat", np.array([0, -1, D])), init("ax2", np.array([2]))]

    def layer(k, h, past):
        """A layer's nodes, from h of [batch, tokens, D]."""
        p = f"l{k}_"
        own = ["present_key_self", "present_value_self"]
        new = [p + "k", p + "v"] if past else [f"{o}_{k}" for o in own]
        nodes = [node("Reshape", [h, "split"], [p + "r"]), node("Transpose", [p + "r"], [new[0]], perm=[0, 2, 1, 3]), node("Tanh", [new[0]], [new[1]])]
        if past:
            nodes += [node("Concat", [f"past_{n}_self_{k}", new[i]], [f"{own[i]}_{k}"], axis=2) for i, n in enumerate(["key", "value"])]
        cross = f"past_value_cross_{k}" if past else f"present_value_cross_{k}"
        return nodes + [node("ReduceMean", [f"present_value_self_{k}", "ax2"], [p + "ms"]), node("ReduceMean", [cross, "ax2"], [p + "mc"]),
                        node("Add", [p + "ms", p + "mc"], [p + "m"]), node("Reshape", [p + "m", "flat"], [p + "ctx"]), node("Add", [h, p + "ctx"], [f"h{k + 1}"])]  # fmt: skip

    nodes = [node("Transpose", ["encoder_input_ids"], ["t"], perm=[0, 2, 1]), node("MatMul", ["t", "E"], ["encoder_hidden_states"]), node("Gather", ["DE", "decoder_input_ids"], ["h0"])]
    for k in range(layers):
        nodes += [node("Mul", ["encoder_hidden_states", f"s{k}"], [f"e{k}"]), node("Reshape", [f"e{k}", "split"], [f"er{k}"]),
                  node("Transpose", [f"er{k}"], [f"present_key_cross_{k}"], perm=[0, 2, 1, 3]), node("Tanh", [f"present_key_cross_{k}"], [f"present_value_cross_{k}"])]  # fmt: skip
        nodes += layer(k, f"h{k}", False)
    nodes.append(node("MatMul", [f"h{layers}", "W"], ["logits"]))
    caches = lambda when, kind, length: [info(f"{when}_{n}_{kind}_{k}", F32, "b", N, length, H) for k in range(layers) for n in ("key", "value")]
    encoder = helper.make_graph(nodes, "encoder", [info("encoder_input_ids", F32, "b", C, "s"), info("decoder_input_ids", I32, "b", "t")],
                                [info("logits", F32, "b", "t", V), info("encoder_hidden_states", F32, "b", "s", D), *caches("present", "self", "t"), *caches("present", "cross", "s")],
                                tables + [init("E", f32(f"wE{seed}", C, D))] + [init(f"s{k}", np.float32(k + 1)) for k in range(layers)])  # fmt: skip
    last = [node("Slice", ["input_ids", "minus", "end", "one"], ["last"])] if whole else []
    nodes = last + [node("Gather", ["DE", "last" if whole else "input_ids"], ["h0"])]
    for k in range(layers):
        nodes += layer(k, f"h{k}", True)
    nodes.append(node("MatMul", [f"h{layers}", "W"], ["logits"]))
    ins = [info("input_ids", I32, "b", "n" if whole else 1)] + ([info("encoder_hidden_states", F32, "b", "s", D)] if states else [])
    more = [init("minus", np.array([-1])), init("end", np.array([2**31])), init("one", np.array([1]))] if whole else []
    decoder = helper.make_graph(nodes, "decoder", ins + caches("past", "self", "p") + caches("past", "cross", "s"),
                                [info("logits", F32, "b", 1, V), *caches("present", "self", "q")], tables + more)  # fmt: skip
    return {"encoder": encoder, "decoder": decoder, "model_type": 2}


W = "WhisperBeamSearch"
sounds = f32("sounds", 2, C, 6)
start = np.array([[2, 5], [2, 7]], np.int32)


def inputs(most, least=1, beams=3, returned=2, penalty=1.0, repeated=1.0, tokens=start, processor=None, temperature=None):
    more = [i32(processor) if processor is not None else None, None, None, f(temperature) if temperature else None]
    while more and more[-1] is None:
        more.pop()
    return [sounds, i32(most), i32(least), i32(beams), i32(returned), f(penalty), f(repeated), None, None, None, tokens, *more]


case(W, "plain", inputs(9), {**at, **whisper(0)}, 2)
case(W, "states", inputs(10, beams=4, returned=1, penalty=0.5), {**at, **whisper(1, states=True, layers=2)}, 2)
case(W, "scores", inputs(8, beams=2), {**at, **whisper(2)}, 3)
case(W, "temperature", inputs(9, temperature=0.5, repeated=1.2), {**at, **whisper(3), "no_repeat_ngram_size": 3}, 2)
case(W, "start-token", inputs(9, tokens=None), {**at, **whisper(4), "decoder_start_token_id": 2}, 2)
case("BeamSearch", "whisper", inputs(9), {**at, **whisper(5)}, 2)
marks = {"beginning_timestamp_token_id": 8, "no_timestamps_token_id": 7, "start_of_lm_token_id": 6, "translate_token_id": 5, "transcribe_token_id": 4,
         "decoder_start_token_id": 2, "eos_token_id": 3, "pad_token_id": 1}  # fmt: skip
for seed in range(6, 12):
    case(W, f"marks-{seed}", inputs(12, processor=1, tokens=start[:, :1] if seed % 2 else start), {**whisper(seed), **marks}, 2)
case(W, "no-marks", inputs(12, processor=0), {**whisper(6), **marks}, 2)
case(W, "marks-far", inputs(11, processor=1, temperature=2.0, tokens=np.array([[2, 8], [2, 13]], np.int32)), {**whisper(12), **marks}, 2)
case(W, "whole-sequences", inputs(7), {**at, **whisper(13, whole=True)}, 2)
