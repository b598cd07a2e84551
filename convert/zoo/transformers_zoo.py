"""Architectures of transformers, from small configurations."""

from __future__ import annotations

from typing import Any

import transformers as hf
from torch import Tensor, nn
from transformers.cache_utils import DynamicCache

from entry import Entry, Flat, Input, entries, images, mask, tokens

ZOO: list[Entry] = []
entry = entries("transformers", ZOO)

TEXT = ["input_ids", "attention_mask"]
# What most configurations call the sizes of a network.
SMALL: dict[str, Any] = {
    "vocab_size": 99,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}
GROUPED = SMALL | {"num_key_value_heads": 2}


def masked(net: nn.Module) -> nn.Module:
    """A network that takes tokens and their mask."""
    return Flat(net, TEXT)


def causal(net: nn.Module) -> nn.Module:
    """The same for one that would return its cache."""
    return Flat(net, TEXT, use_cache=False)


@entry(tokens(99), mask())
def bert() -> nn.Module:
    return masked(hf.BertModel(hf.BertConfig(**SMALL)))


@entry(tokens(99), mask())
def distilbert() -> nn.Module:
    config = hf.DistilBertConfig(
        vocab_size=99, dim=32, n_layers=2, n_heads=4, hidden_dim=64, max_position_embeddings=64
    )
    return masked(hf.DistilBertForSequenceClassification(config))


@entry(tokens(99), mask())
def roberta() -> nn.Module:
    return masked(hf.RobertaForTokenClassification(hf.RobertaConfig(**SMALL | {"pad_token_id": 1})))


@entry(tokens(99), mask())
def albert() -> nn.Module:
    return masked(hf.AlbertModel(hf.AlbertConfig(**SMALL, embedding_size=16)))


@entry(tokens(99), mask())
def electra() -> nn.Module:
    return masked(hf.ElectraForPreTraining(hf.ElectraConfig(**SMALL, embedding_size=16)))


@entry(tokens(99), mask())
def mobilebert() -> nn.Module:
    config = hf.MobileBertConfig(**SMALL, embedding_size=32, true_hidden_size=16, intra_bottleneck_size=16)
    return masked(hf.MobileBertForMaskedLM(config))


@entry(tokens(99), mask())
def deberta_v2() -> nn.Module:
    config = hf.DebertaV2Config(
        **SMALL,
        relative_attention=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
        type_vocab_size=0,
        position_buckets=8,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
    )
    return masked(hf.DebertaV2Model(config))


@entry(tokens(99), mask())
def mpnet() -> nn.Module:
    return masked(hf.MPNetModel(hf.MPNetConfig(**SMALL | {"pad_token_id": 1})))


@entry(tokens(99), mask())
def modernbert() -> nn.Module:
    config = hf.ModernBertConfig(
        **SMALL,
        global_attn_every_n_layers=2,
        local_attention=4,
        bos_token_id=1,
        eos_token_id=2,
        cls_token_id=1,
        sep_token_id=2,
        reference_compile=False,
    )
    return masked(hf.ModernBertForMaskedLM(config))


@entry(tokens(99), mask())
def gpt2() -> nn.Module:
    config = hf.GPT2Config(vocab_size=99, n_embd=32, n_layer=2, n_head=4, n_positions=64)
    return causal(hf.GPT2LMHeadModel(config))


@entry(tokens(99), mask())
def gpt_neox() -> nn.Module:
    return causal(hf.GPTNeoXForCausalLM(hf.GPTNeoXConfig(**SMALL)))


@entry(tokens(99), mask())
def opt() -> nn.Module:
    config = hf.OPTConfig(
        vocab_size=99,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        ffn_dim=64,
        max_position_embeddings=64,
        word_embed_proj_dim=16,
    )
    return causal(hf.OPTForCausalLM(config))


@entry(tokens(99), mask())
def bloom() -> nn.Module:
    return causal(hf.BloomForCausalLM(hf.BloomConfig(vocab_size=99, hidden_size=32, n_layer=2, n_head=4)))


@entry(tokens(99), mask())
def phi() -> nn.Module:
    return causal(hf.PhiForCausalLM(hf.PhiConfig(**GROUPED)))


@entry(tokens(99), mask())
def phi3() -> nn.Module:
    return causal(hf.Phi3ForCausalLM(hf.Phi3Config(**GROUPED)))


@entry(tokens(99), mask())
def llama() -> nn.Module:
    return causal(hf.LlamaForCausalLM(hf.LlamaConfig(**GROUPED)))


@entry(tokens(99), mask())
def qwen2() -> nn.Module:
    return causal(hf.Qwen2ForCausalLM(hf.Qwen2Config(**GROUPED)))


@entry(tokens(99), mask())
def qwen3() -> nn.Module:
    return causal(hf.Qwen3ForCausalLM(hf.Qwen3Config(**GROUPED, head_dim=16)))


@entry(tokens(99), mask())
def mistral() -> nn.Module:
    return causal(hf.MistralForCausalLM(hf.MistralConfig(**GROUPED, sliding_window=4)))


@entry(tokens(99), mask())
def gemma() -> nn.Module:
    return causal(hf.GemmaForCausalLM(hf.GemmaConfig(**GROUPED, head_dim=8)))


@entry(tokens(99), mask())
def gemma2() -> nn.Module:
    return causal(hf.Gemma2ForCausalLM(hf.Gemma2Config(**GROUPED, head_dim=8, sliding_window=4)))


@entry(tokens(99), mask())
def mixtral() -> nn.Module:
    return causal(
        hf.MixtralForCausalLM(
            hf.MixtralConfig(**GROUPED, num_local_experts=3, num_experts_per_tok=2, experts_implementation="batched_mm")
        )
    )


@entry(tokens(99, second=(3, 7)))
def mamba() -> nn.Module:
    config = hf.MambaConfig(vocab_size=99, hidden_size=32, num_hidden_layers=2, state_size=8, use_cache=False)
    return Flat(hf.MambaForCausalLM(config), ["input_ids"], use_cache=False)


class Cached(nn.Module):
    """A causal network that takes the keys and values of earlier tokens, and gives them with the new ones."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, k0: Tensor, v0: Tensor, k1: Tensor, v1: Tensor
    ) -> tuple[Tensor, ...]:
        cache = DynamicCache([(k0, v0), (k1, v1)])
        out = self.net(input_ids=input_ids, attention_mask=attention_mask, past_key_values=cache, use_cache=True)
        layers = out.past_key_values.layers
        return out.logits, layers[0].keys, layers[0].values, layers[1].keys, layers[1].values


def past(heads: int) -> list[Input]:
    """One new token after five, then after nine: what a program that generates text runs for each token."""
    kv = [Input(f"{kind}{layer}", (2, heads, 5, 8), (3, heads, 9, 8)) for layer in (0, 1) for kind in "kv"]
    return [tokens(99, first=(2, 1), second=(3, 1)), mask(first=(2, 6), second=(3, 10)), *kv]


@entry(*past(4))
def gpt2_cache() -> nn.Module:
    config = hf.GPT2Config(vocab_size=99, n_embd=32, n_layer=2, n_head=4, n_positions=64)
    return Cached(hf.GPT2LMHeadModel(config))


@entry(*past(2))
def llama_cache() -> nn.Module:
    return Cached(hf.LlamaForCausalLM(hf.LlamaConfig(**GROUPED)))


def t5() -> Any:
    config = hf.T5Config(
        vocab_size=99, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, decoder_start_token_id=0
    )
    return hf.T5ForConditionalGeneration(config)


@entry(tokens(99), mask())
def t5_encoder() -> nn.Module:
    return masked(t5().get_encoder())


@entry(tokens(99), mask(), tokens(99, "decoder_input_ids", (2, 4), (3, 6)))
def t5_seq2seq() -> nn.Module:
    return Flat(t5(), [*TEXT, "decoder_input_ids"], use_cache=False)


@entry(tokens(99), mask(), tokens(99, "decoder_input_ids", (2, 4), (3, 6)))
def bart() -> nn.Module:
    config = hf.BartConfig(
        vocab_size=99,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=64,
    )
    return Flat(hf.BartForConditionalGeneration(config), [*TEXT, "decoder_input_ids"], use_cache=False)


def whisper() -> Any:
    config = hf.WhisperConfig(
        vocab_size=99,
        num_mel_bins=16,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_source_positions=30,
        max_target_positions=32,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    return hf.WhisperForConditionalGeneration(config)


@entry(Input("input_features", (2, 16, 60), (3, 16, 60)))
def whisper_encoder() -> nn.Module:
    return Flat(whisper().get_encoder(), ["input_features"])


@entry(Input("input_features", (2, 16, 60), (3, 16, 60)), tokens(99, "decoder_input_ids", (2, 4), (3, 6)))
def whisper_seq2seq() -> nn.Module:
    return Flat(whisper(), ["input_features", "decoder_input_ids"], use_cache=False)


@entry(Input("input_values", (2, 400), (3, 640)))
def wav2vec2() -> nn.Module:
    config = hf.Wav2Vec2Config(
        **{k: v for k, v in SMALL.items() if k != "max_position_embeddings"},
        conv_dim=(16, 16, 16),
        conv_stride=(4, 2, 2),
        conv_kernel=(8, 3, 3),
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
    )
    return Flat(hf.Wav2Vec2ForCTC(config), ["input_values"])


@entry(tokens(99), mask(), Input("pixel_values", (2, 3, 32, 32), (3, 3, 32, 32)))
def clip() -> nn.Module:
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = hf.CLIPConfig(
        text_config=size | {"vocab_size": 99, "max_position_embeddings": 16, "eos_token_id": 98},
        vision_config=size | {"image_size": 32, "patch_size": 8},
        projection_dim=24,
    )
    return Clip(hf.CLIPModel(config))


class Clip(nn.Module):
    """The similarities of texts and pictures."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, input_ids: Tensor, attention_mask: Tensor, pixel_values: Tensor) -> tuple[Tensor, ...]:
        out = self.net(input_ids=input_ids, attention_mask=attention_mask, pixel_values=pixel_values)
        return out.logits_per_image, out.text_embeds, out.image_embeds


@entry(images(32, 32))
def hf_vit() -> nn.Module:
    return Flat(hf.ViTModel(hf.ViTConfig(**VISION, image_size=32, patch_size=8)), ["pixel_values"])


VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}


@entry(images(42, 56))
def dinov2() -> nn.Module:
    return Flat(hf.Dinov2Model(hf.Dinov2Config(**VISION, image_size=28, patch_size=14)), ["pixel_values"])


@entry(images(64, 64, other=(96, 64)))
def segformer() -> nn.Module:
    config = hf.SegformerConfig(
        num_encoder_blocks=4,
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 16, 24, 32],
        num_attention_heads=[1, 2, 2, 4],
        decoder_hidden_size=32,
        num_labels=6,
    )
    return Flat(hf.SegformerForSemanticSegmentation(config), ["pixel_values"])


@entry(images(64, 64, other=(96, 64)))
def detr() -> nn.Module:
    backbone = hf.ResNetConfig(
        embedding_size=16, hidden_sizes=[16, 24, 32, 48], depths=[1, 1, 1, 1], out_features=["stage4"]
    )
    config = hf.DetrConfig(
        use_timm_backbone=False,
        use_pretrained_backbone=False,
        backbone=None,
        backbone_config=backbone,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        num_queries=10,
        num_labels=5,
    )
    return Detr(hf.DetrForObjectDetection(config))


class Detr(nn.Module):
    """Classes and boxes of a detector without anchors."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        out = self.net(pixel_values=pixel_values)
        return out.logits, out.pred_boxes
