"""Cases of text generation, with a tiny model that looks at all tokens before through its cache."""

import numpy as np
from make import MS, Const, case, rng
from onnx import TensorProto, helper, numpy_helper

node = helper.make_node
V, D, N, H = 11, 8, 2, 4
I32, F32 = TensorProto.INT32, TensorProto.FLOAT


def f32(name, *shape, scale=1.0):
    return (rng(name).standard_normal(shape) * scale).astype(np.float32)


def info(name, kind, *shape):
    return helper.make_tensor_value_info(name, kind, shape)


def init(name, value):
    return numpy_helper.from_array(np.asarray(value), name)


def gpt(seed, layers=1):
    """Tokens and places are looked up; the mean of each cache is added."""
    nodes = [node("Gather", ["E", "input_ids"], ["tok"]), node("Gather", ["P", "position_ids"], ["pos"]), node("Add", ["tok", "pos"], ["h0"]),
             node("Cast", ["attention_mask"], ["maskf"], to=1), node("Unsqueeze", ["maskf", "ax13"], ["mask4"]), node("ReduceSum", ["maskf", "ax1"], ["count"]),
             node("Unsqueeze", ["count", "ax1"], ["count3"])]
    inits = [init("E", f32(f"E{seed}", V, D)), init("P", f32(f"P{seed}", 16, D, scale=0.3)), init("W", f32(f"W{seed}", D, V)),
             init("ax1", np.array([1])), init("ax13", np.array([1, 3])), init("ax0", np.array([0])), init("split", np.array([0, 0, N, H])), init("flat", np.array([0, 1, D]))]
    ins = [info("input_ids", I32, "b", "s"), info("position_ids", I32, "b", "s"), info("attention_mask", I32, "b", "t")]
    outs = [info("logits", F32, "b", "s", V)]
    for layer in range(layers):
        h, nxt, past, present = f"h{layer}", f"h{layer + 1}", f"past_{layer}", f"present_{layer}"
        ins.append(info(past, F32, 2, "b", N, "p", H))
        outs.append(info(present, F32, 2, "b", N, "t", H))
        p = f"l{layer}_"
        nodes += [node("Reshape", [h, "split"], [p + "r"]), node("Transpose", [p + "r"], [p + "k"], perm=[0, 2, 1, 3]), node("Tanh", [p + "k"], [p + "v"]),
                  node("Unsqueeze", [p + "k", "ax0"], [p + "k5"]), node("Unsqueeze", [p + "v", "ax0"], [p + "v5"]), node("Concat", [p + "k5", p + "v5"], [p + "kv"], axis=0),
                  node("Concat", [past, p + "kv"], [present], axis=3), node("Split", [present], [p + "ak", p + "av"], axis=0, num_outputs=2),
                  node("Squeeze", [p + "av", "ax0"], [p + "av4"]), node("Mul", [p + "av4", "mask4"], [p + "seen"]), node("Transpose", [p + "seen"], [p + "rows"], perm=[0, 2, 1, 3]),
                  node("ReduceSum", [p + "rows", "ax1"], [p + "sum"]), node("Reshape", [p + "sum", "flat"], [p + "ctx"]), node("Div", [p + "ctx", "count3"], [p + "mean"]),
                  node("Add", [h, p + "mean"], [nxt])]
    nodes.append(node("MatMul", [f"h{layers}", "W"], ["logits"]))
    return helper.make_graph(nodes, f"gpt{seed}", ins, outs, inits)


def t5(seed):
    """The new form: the encoder gives the caches of its tokens only, and the decoder all scores."""
    inits = [init("E", f32(f"tE{seed}", V, D)), init("split", np.array([0, 0, N, H]))]
    nodes = [node("Gather", ["E", "encoder_input_ids"], ["h"]), node("Reshape", ["h", "split"], ["r"]), node("Transpose", ["r"], ["present_key_cross_0"], perm=[0, 2, 1, 3]),
             node("Tanh", ["present_key_cross_0"], ["present_value_cross_0"])]
    encoder = helper.make_graph(nodes, "encoder", [info("encoder_input_ids", I32, "b", "s"), info("encoder_attention_mask", I32, "b", "s")],
                                [info("present_key_cross_0", F32, "b", N, "s", H), info("present_value_cross_0", F32, "b", N, "s", H)], inits)
    inits = [init("DE", f32(f"tDE{seed}", V, D)), init("W", f32(f"tW{seed}", D, V)), init("dsplit", np.array([0, 0, N, H])), init("flat", np.array([0, 1, D])), init("ax2", np.array([2]))]
    nodes = [node("Gather", ["DE", "input_ids"], ["h"]), node("Reshape", ["h", "dsplit"], ["r"]), node("Transpose", ["r"], ["k"], perm=[0, 2, 1, 3]),
             node("Concat", ["past_key_self_0", "k"], ["present_key_self_0"], axis=2), node("Tanh", ["k"], ["v"]), node("Concat", ["past_value_self_0", "v"], ["present_value_self_0"], axis=2),
             node("ReduceMean", ["present_value_self_0", "ax2"], ["ms"]), node("ReduceMean", ["past_value_cross_0", "ax2"], ["mc"]), node("Add", ["ms", "mc"], ["m"]),
             node("Reshape", ["m", "flat"], ["ctx"]), node("Add", ["h", "ctx"], ["sum"]), node("MatMul", ["sum", "W"], ["logits"])]
    cache = [info(f"past_{n}_{k}_0", F32, "b", N, f"p{k}", H) for k in ("self", "cross") for n in ("key", "value")]
    decoder = helper.make_graph(nodes, "decoder", [info("input_ids", I32, "b", 1), info("encoder_attention_mask", I32, "b", "s"), *cache],
                                [info("logits", F32, "b", 1, V), info("present_key_self_0", F32, "b", N, "t", H), info("present_value_self_0", F32, "b", N, "t", H)], inits)
    return encoder, decoder


def i32(*v):
    return Const(np.array(v, np.int32))


def f(v):
    return Const(np.array([v], np.float32))


B, G = "BeamSearch", "GreedySearch"
ids = np.array([[3, 7, 2], [9, 4, 4]], np.int32)
padded = np.array([[1, 1, 5, 7], [1, 6, 2, 8], [3, 9, 2, 2]], np.int32)  # 1 is padding
at = {"eos_token_id": 0, "pad_token_id": 1}
ban = np.ones(V, np.int32)
ban[[2, 5]] = 0
first = np.ones((2, V), np.int32)
first[0, :6] = 0
first[1, 4:] = 0
case(B, "gpt", [ids, i32(9), i32(1), i32(3), i32(2), f(1.0)], {**at, "decoder": gpt(0)}, 2)
case(B, "gpt-two-layers", [ids, i32(10), i32(1), i32(4), i32(4), f(0.7)], {**at, "decoder": gpt(1, 2), "early_stopping": 1}, 2)
case(B, "gpt-padded", [padded, i32(9), i32(6), i32(2), i32(1), f(1.5), f(1.3)], {**at, "decoder": gpt(2)}, 2)
case(B, "gpt-masks", [ids, i32(8), i32(1), i32(2), i32(2), f(1.0), None, ban, first], {**at, "decoder": gpt(3), "no_repeat_ngram_size": 2}, 2)
case(B, "gpt-scores", [ids, i32(7), i32(1), i32(3), i32(1), f(1.0)], {**at, "decoder": gpt(4)}, 3)
case(B, "gpt-attention-mask", [ids, i32(7), i32(1), i32(3), i32(3), f(1.0), None, None, None, np.array([[0, 1, 1], [1, 1, 1]], np.int32)], {**at, "decoder": gpt(5), "init_decoder": gpt(5)}, 2)
encoder, decoder = t5(0)
case(B, "t5", [ids, i32(9), i32(1), i32(3), i32(2), f(1.0)], {**at, "encoder": encoder, "decoder": decoder, "model_type": 1, "decoder_start_token_id": 2}, 2)
encoder, decoder = t5(1)
case(B, "t5-penalties", [padded, i32(12), i32(5), i32(4), i32(1), f(0.0), f(1.2)],
     {**at, "encoder": encoder, "decoder": decoder, "model_type": 1, "decoder_start_token_id": 1, "no_repeat_ngram_size": 3}, 2)
case(G, "plain", [ids, i32(9)], {**at, "decoder": gpt(6)})
case(G, "two-layers", [ids, i32(9), i32(7)], {**at, "decoder": gpt(7, 2)})
case(G, "penalty", [ids, i32(10), None, f(1.4)], {**at, "decoder": gpt(8), "no_repeat_ngram_size": 2})
case(G, "masks", [ids, i32(8), None, None, ban, first], {**at, "decoder": gpt(9)})
case(G, "padded", [padded, i32(8), i32(6), f(1.1)], {**at, "decoder": gpt(10), "init_decoder": gpt(10)})
# What ONNX Runtime gives behind the place where the last of the sequences ends is not defined, so lengths end there at most; and its test whether a
# batch of beams can still improve looks at the scores of another batch, so the longer searches have one batch.
for seed in range(11, 17):
    case(G, f"seed-{seed}", [padded, i32(8)], {**at, "decoder": gpt(seed)})
    case(B, f"seed-{seed}", [padded[seed % 3:][:1], i32(14), i32(1), i32(4), i32(3), f(0.5 * (seed % 3))], {**at, "decoder": gpt(seed)}, 2)
